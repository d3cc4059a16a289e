"use strict";
/* What changes something: versions, and training. Beside page.js, on the pages that have either. */
(() => {
  const { ask, key, locked, sentence, onKey } = window.Mirante;
  const $ = (id) => document.getElementById(id);

  /* ------------------------------------------------------------ versions */
  const versions = () => {
    const at = $("versions");
    if (!at) return;
    const show = (text) => {
      $("changed").textContent = text;
      $("changed").hidden = false;
    };
    const change = async (button) => {
      if (!key()) {
        locked(401);
        return show(at.dataset.key);
      }
      if (!confirm(button.dataset.sure)) return;
      const body = JSON.stringify({ expected_serial: Number(button.dataset.serial) });
      try {
        const answer = await ask(button.dataset.act, { method: "POST", body });
        if (answer.ok) return location.reload();
        locked(answer.status);
        show(sentence(answer.status, at.dataset));
      } catch {
        show(at.dataset.offline);
      }
    };
    onKey(() => ($("changed").hidden = true));
    for (const button of at.querySelectorAll(".act")) {
      button.hidden = false;
      button.addEventListener("click", () => change(button));
    }
  };

  /* ------------------------------------------------------------ training */
  const train = () => {
    const form = $("train");
    if (!form) return;
    const said = form.dataset, kinds = new Map();
    let file = null, target = "", reading = 0;
    form.hidden = false;
    const tell = (text) => ($("train-said").textContent = text);
    const show = (text) => {
      $("train-fault").textContent = text;
      $("train-fault").hidden = !text;
      tell("");
    };
    const refuse = async (answer) => {
      const had = key();
      if (locked(answer.status)) return show(had ? sentence(answer.status, said) : said.needed);
      const told = { 413: said.large, 429: said.busy, 503: said.busy }[answer.status];
      if (told) return show(told);
      const problem = await answer.json().catch(() => ({}));
      show(problem.detail ? `${said.wrong} ${problem.detail}` : said.failed);
    };
    const filled = () => {
      const body = new FormData();
      body.set("file", file);
      if (target) body.set("target", target);
      if (kinds.size) body.set("kinds", JSON.stringify(Object.fromEntries(kinds)));
      for (const name of ["group", "time"]) if ($(name).value) body.set(name, $(name).value);
      return body;
    };
    const send = async (path, body) => {
      if (file.size > Number(said.most)) return show(said.large);
      try {
        await file.slice(0, 1).arrayBuffer();
      } catch {
        return show(said.gone);
      }
      try {
        const answer = await ask(path, { method: "POST", body });
        if (answer.ok) return answer;
        await refuse(answer);
      } catch {
        show(said.offline);
      }
    };
    /* Says what the table is read as; the newest question's answer is shown. */
    const read = async () => {
      const turn = ++reading;
      show("");
      tell(said.reading);
      const answer = await send("/train/columns" + location.search, filled());
      if (!answer || turn !== reading) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      $("columns").replaceChildren(...page.body.childNodes);
      tell("");
      if ($("target")) offer();
      $("options").hidden = !$("target");
    };
    const offer = () => {
      $("target").addEventListener("change", (event) => {
        target = event.target.value;
        read();
      });
      const names = [...document.querySelectorAll("[data-kind]")];
      for (const one of names)
        one.addEventListener("change", () => {
          one.value ? kinds.set(one.dataset.kind, one.value) : kinds.delete(one.dataset.kind);
          read();
        });
      for (const id of ["group", "time"]) {
        const was = $(id).value;
        $(id).replaceChildren($(id).options[0], ...names.map((one) => new Option(one.dataset.kind)));
        $(id).value = was;
      }
      $("learn").disabled = !target;
    };
    const choose = (chosen) => {
      if (!chosen) return;
      [file, target] = [chosen, ""];
      kinds.clear();
      $("group").value = $("time").value = "";
      const stem = chosen.name.replace(/\.[^.]*$/, "").toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
      $("model").value ||= stem.replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+|[-_]+$/g, "").slice(0, 64);
      read();
    };
    onKey(() => file && read());
    $("file").addEventListener("change", () => choose($("file").files[0]));
    for (const kind of ["dragover", "drop"])
      $("drop").addEventListener(kind, (event) => {
        event.preventDefault();
        if (kind === "drop") choose(event.dataTransfer.files[0]);
      });
    for (const id of ["group", "time"]) $(id).addEventListener("change", read);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = filled();
      body.set("estimator", $("estimator").value);
      body.set("promote", $("promote").value);
      if ($("estimator").value === "auto") body.set("parameters", JSON.stringify({ seconds: Number($("seconds").value) }));
      const answer = await send(`/v0/models/${encodeURIComponent($("model").value)}/train`, body);
      if (answer) location.assign("/jobs/" + (await answer.json()).id);
    });
  };

  /* ------------------------------------------------------------ a training that runs */
  const job = () => {
    const at = $("job");
    if (!at || at.dataset.ended) return;
    const cancel = $("cancel");
    cancel.hidden = false;
    cancel.addEventListener("click", async () => {
      if (confirm(at.dataset.sure)) await ask(at.dataset.job, { method: "DELETE" }).catch(() => 0);
    });
    if (!at.dataset.followed) follow(at);
  };
  const renew = async () => {
    const answer = await ask(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("job");
    if (!now) return true;
    const at = $("job");
    at.replaceChildren(...now.childNodes);
    at.dataset.ended = now.dataset.ended;
    job();
    return Boolean(at.dataset.ended);
  };
  /* Follows the job's events, and shows its page anew at each; a stream that breaks is taken up. */
  const follow = async (at) => {
    at.dataset.followed = "yes";
    for (let last = "", ended = false; !ended; ) {
      try {
        const answer = await ask(at.dataset.job + "/events", { headers: last ? { "Last-Event-ID": last } : {} });
        const pieces = answer.ok && answer.body ? answer.body.pipeThrough(new TextDecoderStream()).getReader() : null;
        for (let piece; pieces && !(piece = await pieces.read()).done; ) {
          last = [...piece.value.matchAll(/^id: ?(\d+)$/gm)].pop()?.[1] || last;
          await renew();
        }
        ended = await renew();
      } catch {
        const told = $("followed");
        if (told) told.textContent = at.dataset.lost;
      }
      if (!ended) await new Promise((done) => setTimeout(done, 1000));
    }
  };

  const start = () => {
    if ($("by-shell")) $("by-shell").hidden = true;
    versions();
    train();
    job();
  };
  document.addEventListener("mirante-page", start);
  start();
})();
