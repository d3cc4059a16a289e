"use strict";
/* All that the pages do in a browser. Without it forms post and links lead. */
(() => {
  const KEPT = "mirante-key";
  const $ = (id) => document.getElementById(id);
  const key = () => sessionStorage.getItem(KEPT);
  const sentence = (status, said) =>
    ({ 401: said.rejected, 403: said.scope, 409: said.changed, 422: said.wrong, 429: said.busy, 503: said.busy })[status] || said.failed;

  /* Asks this service; the key goes with it as a header, never in an address or a cookie. */
  const ask = (path, options = {}) => {
    const headers = { ...options.headers };
    if (key()) headers["X-API-Key"] = key();
    return fetch(path, { ...options, headers });
  };

  /* ------------------------------------------------------------ pages behind a key */
  /* What is done when a key was entered, and how one is asked for. */
  let again = () => location.reload();
  const locked = (status) => {
    if (status !== 401 && status !== 403) return false;
    sessionStorage.removeItem(KEPT);
    $("key-form").hidden = false;
    $("key").focus();
    return true;
  };
  const gate = () => {
    const form = $("key-form");
    if (!form) return;
    $("key-script").hidden = true;
    const said = $("key-said");
    form.hidden = !said && Boolean(key() || $("versions"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEPT, $("key").value.trim());
      if (said) return open(said);
      form.hidden = true;
      again();
    });
    if (said && key()) open(said);
  };
  const open = async (said) => {
    let answer;
    try {
      answer = await ask(location.href, { headers: { Accept: "text/html" } });
    } catch {
      said.textContent = said.dataset.offline;
      return;
    }
    if (answer.status === 401 || answer.status === 403 || answer.status === 429) {
      if (answer.status !== 429) sessionStorage.removeItem(KEPT);
      said.textContent = sentence(answer.status, said.dataset);
      $("key").focus();
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    document.body.replaceWith(page.body);
    start();
  };

  /* ------------------------------------------------------------ a model's form */
  const model = () => {
    const form = $("form");
    if (!form) return;
    const said = form.dataset;
    const path = said.path;
    const show = (text) => {
      const fault = $("fault");
      fault.textContent = text;
      fault.hidden = !text;
      $("answer").classList.toggle("stale", Boolean(text));
      $("why").classList.toggle("stale", Boolean(text));
    };
    const mark = (control, text) => {
      const field = control.querySelector("[name]");
      const problem = control.querySelector(".problem");
      control.classList.toggle("wrong", Boolean(text));
      text ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
      problem.textContent = text;
      problem.hidden = !text;
    };
    const unmark = () => form.querySelectorAll(".control.wrong").forEach((one) => mark(one, ""));
    const markAll = (errors) => {
      const wrong = new Map(errors.map((error) => [error.field, error]));
      for (const control of form.querySelectorAll(".control")) {
        const error = wrong.get(control.dataset.name);
        if (!error) continue;
        mark(control, error.got === "null" || error.got === "nothing" ? said.needed : control.dataset.expected);
        const group = control.closest("details");
        if (group) group.open = true;
      }
    };
    const put = (html) => {
      const parts = new DOMParser().parseFromString(html, "text/html");
      for (const part of parts.querySelectorAll("[data-into]")) {
        const into = $(part.dataset.into);
        if (!into) continue;
        into.replaceChildren(...part.childNodes);
        into.classList.remove("stale");
      }
      glance();
    };
    /* On a phone the answer is far below: its first line stays in sight. */
    const glance = () => {
      const line = document.querySelector("#answer .headline");
      $("glance").textContent = line ? line.textContent : "";
    };
    const refuse = async (answer) => {
      show(sentence(answer.status, said));
      if (answer.status === 422) markAll((await answer.json()).errors || []);
      if (answer.status === 401 || answer.status === 403) sessionStorage.removeItem(KEPT);
    };

    const entered = () => {
      const fields = Object.fromEntries(new FormData(form));
      const code = document.querySelector("details.code[open]");
      if (code) fields.code = code.dataset.code;
      return JSON.stringify(fields);
    };
    /* Asks one thing at a time; what is entered meanwhile is asked when that is back. */
    const lane = (path, done, quietly) => {
      let flying = false, waiting = false;
      const send = async () => {
        if (flying) {
          waiting = true;
          return;
        }
        flying = true;
        const began = performance.now(), body = entered();
        try {
          const answer = await ask(path, { method: "POST", body, headers: { "Content-Type": "application/json" } });
          if (answer.ok) {
            const html = await answer.text();
            if (!quietly || body === entered()) done(html);
            performance.measure("mirante-answer", { start: began, end: performance.now() });
          } else if (!quietly) await refuse(answer);
        } catch {
          if (!quietly) show(said.offline);
        }
        setTimeout(() => {
          flying = false;
          if (waiting) {
            waiting = false;
            send();
          }
        }, Math.max(0, PACE - (performance.now() - began)));
      };
      return send;
    };
    const answered = (html) => {
      put(html);
      show("");
      unmark();
    };
    const WHY = said.path + "/why?explain=12";
    const slow = said.explains === "slow";
    /* Where reasons take long, they are asked for by themselves, and no answer waits for them. */
    const why = lane(WHY, put, true);
    const answer = lane(said.explains === "quick" ? WHY : said.path + "/answer", (html) => {
      answered(html);
      $("why").classList.toggle("stale", slow);
    });
    let resting = 0;
    const send = () => {
      answer();
      clearTimeout(resting);
      if (slow) resting = setTimeout(why, REST);
    };

    for (const slider of form.querySelectorAll("[data-for]")) {
      slider.hidden = false;
      slider.addEventListener("input", () => ($(slider.dataset.for).value = slider.value));
      $(slider.dataset.for).addEventListener("input", (event) => (slider.value = event.target.value));
    }
    form.addEventListener("input", send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    for (const code of document.querySelectorAll("details.code")) {
      code.addEventListener("toggle", () => code.open && send());
      const copy = code.querySelector(".copy");
      copy.hidden = !navigator.clipboard;
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.querySelector("code").textContent);
        const was = copy.textContent;
        copy.textContent = copy.dataset.copied;
        setTimeout(() => (copy.textContent = was), 1500);
      });
    }
    filter(form);
    glance();
  };
  /* Milliseconds from one question to the next, and until a hand that rests is told why. */
  const PACE = 80, REST = 150;

  const filter = (form) => {
    const find = $("find");
    if (!find) return;
    $("filter").hidden = false;
    const controls = [...form.querySelectorAll(".control")].map((one) => [one, one.dataset.name.toLowerCase()]);
    const groups = [...form.querySelectorAll("details.group")].map((group) => [group, group.open]);
    find.addEventListener("input", () => {
      const text = find.value.trim().toLowerCase();
      let found = 0;
      for (const [control, name] of controls) {
        control.hidden = !name.includes(text);
        found += !control.hidden;
      }
      for (const [group, open] of groups) {
        group.hidden = !group.querySelector(".control:not([hidden])");
        group.open = text ? found <= 100 || open : open;
      }
      $("found").textContent = found ? "" : $("found").dataset.none;
    });
  };

  const start = () => {
    gate();
    model();
    document.dispatchEvent(new Event("mirante-page"));
  };
  window.Mirante = { ask, key, locked, sentence, onKey: (act) => (again = act) };
  start();
})();
