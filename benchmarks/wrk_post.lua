-- Posts the bodies of a file in turn: wrk ... -s wrk_post.lua URL -- FILE "Header: value" ...
-- The file holds each body after its length on a line. At the end, one line of JSON.

local requests, turn = {}, 0

local function read_requests(path)
  local file = assert(io.open(path, "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    requests[#requests + 1] = wrk.format("POST", nil, nil, file:read(tonumber(length)))
  end
  file:close()
end

function init(args)
  for i = 2, #args do
    local name, value = args[i]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  read_requests(args[1])
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"status":%d,"socket":%d,"microseconds":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99), latency.max))
end
