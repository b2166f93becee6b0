/* Signing with NCALayer, the agent on the user's own machine.

   <form method="post" action="…">
     <input type="hidden" name="csrf_token" value="…"> <input type="hidden" name="cms">
     <button type="button" data-sign
             data-document-url="…"                       the very bytes to be signed
             data-agent="wss://127.0.0.1:13579"
             data-upload-url="…" data-csrf="…"           only if the form does not carry them
             data-text-waiting="…" data-text-missing="…" data-text-cancelled="…" data-text-error="…"
             data-text-dropped="…" data-text-timeout="…" data-text-password="…" data-text-signed="…"
             data-test-keys="yes"                        only where keys of test authorities may be offered
             >…</button>
     <p data-sign-status role="status" aria-live="polite"></p>
   </form>

   The status element gets data-state: waiting, missing, cancelled, password, error, dropped or signed; what
   the agent itself said of an error is appended in an element [data-sign-detail]. The signature is
   put into the field `cms` and the form is sent: the server verifies, this script decides nothing. */

(() => {
  "use strict";

  const AGENT = "wss://127.0.0.1:13579";
  const CONNECT_SECONDS = 8;          // to open the socket and be greeted
  const ANSWER_SECONDS = 300;         // to find the key store and type its password
  const HEARTBEAT = "--heartbeat--";
  // Any key for signing is offered: whose it must be the server says, with the reason in words.
  const FOR_SIGNING = ["1.3.6.1.5.5.7.3.4"];
  // The agent tells a wrong password only in the words of the library beneath it.
  const WRONG_PASSWORD = /password|mac (is )?invalid|mac check|парол|құпиясөз/i;

  /** How signing ended otherwise than with a signature; `state` is what the page shows. */
  class Refusal extends Error {
    constructor(state, detail, text) {
      super(detail || state);
      this.state = state;
      this.detail = detail || "";
      this.text = text || state;
    }
  }

  /** One connection: greeted on opening, then one request at a time. */
  class Agent {
    static open(url) {
      return new Promise((resolve, reject) => {
        let socket;
        try {
          socket = new WebSocket(url);
        } catch {
          reject(new Refusal("missing"));
          return;
        }
        const agent = new Agent(socket);
        const timer = setTimeout(() => { agent.fail(new Refusal("missing")); socket.close(); }, CONNECT_SECONDS * 1000);
        agent.expect((greeting) => {
          clearTimeout(timer);
          if (greeting && greeting.result && greeting.result.version) resolve(agent);
          else { socket.close(); reject(new Refusal("missing")); }
        }, () => {
          clearTimeout(timer);
          reject(new Refusal("missing"));
        });
      });
    }

    constructor(socket) {
      this.socket = socket;
      this.resolve = this.reject = null;
      socket.onmessage = (event) => this.hear(event.data);
      socket.onclose = () => this.fail(new Refusal("dropped"));
      // An error is always followed by close, which says what is to be said.
      socket.onerror = () => {};
    }

    expect(resolve, reject) {
      this.resolve = resolve;
      this.reject = reject;
    }

    fail(refusal) {
      const reject = this.reject;
      this.resolve = this.reject = null;
      if (reject) reject(refusal);
    }

    hear(text) {
      if (text === HEARTBEAT || !this.resolve) return;
      const resolve = this.resolve;
      let answer;
      try {
        answer = JSON.parse(text);
      } catch {
        this.fail(new Refusal("error", String(text).slice(0, 200)));
        return;
      }
      this.resolve = this.reject = null;
      resolve(answer);
    }

    ask(request, seconds) {
      return new Promise((resolve, reject) => {
        if (this.socket.readyState !== WebSocket.OPEN) {
          reject(new Refusal("dropped"));
          return;
        }
        const timer = setTimeout(() => this.fail(new Refusal("dropped", "", "timeout")), seconds * 1000);
        this.expect(
          (answer) => { clearTimeout(timer); resolve(answer); },
          (refusal) => { clearTimeout(timer); reject(refusal); },
        );
        this.socket.send(JSON.stringify(request));
      });
    }

    close() {
      this.resolve = this.reject = null;
      this.socket.close();
    }
  }

  const isUnknownModule = (answer) => answer.errorCode === "MODULE_NOT_FOUND";

  /** Newer versions answer with an array, older ones with the string itself. */
  const first = (result) => (Array.isArray(result) ? result[0] : result);

  const failure = (said) => (WRONG_PASSWORD.test(said) ? new Refusal("password") : new Refusal("error", said));

  function fromBasics(answer) {
    if (answer.status !== true) throw failure(answer.details || answer.message || answer.code || "");
    const result = answer.body && first(answer.body.result && answer.body.result.signatures
      ? answer.body.result.signatures : answer.body.result);
    if (!result) throw new Refusal("cancelled");      // a success without a result is a cancel
    return String(result);
  }

  function fromCommonUtils(answer) {
    if (isUnknownModule(answer)) throw new Refusal("error", "MODULE_NOT_FOUND");
    if (String(answer.code) === "200" && answer.responseObject) return String(first(answer.responseObject));
    if (answer.message === "action.canceled") throw new Refusal("cancelled");
    throw failure(answer.message || String(answer.code || ""));
  }

  async function sign(agent, base64, locale, seconds, testKeys) {
    const answer = await agent.ask({
      module: "kz.gov.pki.knca.basics",
      method: "sign",
      args: {
        allowedStorages: null,
        format: "cms",
        data: base64,
        signingParams: { decode: true, encapsulate: false, digested: false },
        signerParams: { extKeyUsageOids: FOR_SIGNING, ...(testKeys ? { chain: [] } : {}) },
        locale,
      },
    }, seconds);
    if (!isUnknownModule(answer)) return fromBasics(answer);
    return fromCommonUtils(await agent.ask({
      module: "kz.gov.pki.knca.commonUtils",
      method: "createCAdESFromBase64",
      args: ["PKCS12", "SIGNATURE", base64, false],
    }, seconds));
  }

  function toBase64(buffer) {
    const bytes = new Uint8Array(buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) {
      text += String.fromCharCode.apply(null, bytes.subarray(at, at + 0x8000));
    }
    return btoa(text);
  }

  async function documentOf(button) {
    let response;
    try {
      response = await fetch(button.dataset.documentUrl, { credentials: "same-origin", cache: "no-store" });
    } catch (error) {
      throw new Refusal("error", error.message);
    }
    if (!response.ok || response.redirected) throw new Refusal("error", `${response.status}`);
    return toBase64(await response.arrayBuffer());
  }

  function show(form, state, text, detail) {
    const status = form.querySelector("[data-sign-status]") || document.querySelector("[data-sign-status]");
    if (!status) return;
    status.dataset.state = state;
    status.textContent = text;
    if (detail) {
      const said = document.createElement("span");
      said.setAttribute("data-sign-detail", "");
      said.textContent = ` (${detail})`;
      status.append(said);
    }
  }

  function hidden(form, name) {
    let field = form.elements.namedItem(name);
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      form.append(field);
    }
    return field;
  }

  const textKey = (state) => `text${state[0].toUpperCase()}${state.slice(1)}`;

  async function pressed(button) {
    const form = button.form || button.closest("form");
    if (!form || button.disabled) return;
    const words = (state) => button.dataset[textKey(state)] || "";
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    show(form, "waiting", words("waiting"));
    let agent;
    try {
      const base64 = await documentOf(button);
      agent = await Agent.open(button.dataset.agent || AGENT);
      const locale = { kk: "kz", ru: "ru", en: "en" }[document.documentElement.lang] || "kz";
      const seconds = Number(button.dataset.answerSeconds) || ANSWER_SECONDS;
      hidden(form, "cms").value = await sign(agent, base64, locale, seconds, Boolean(button.dataset.testKeys));
      if (button.dataset.csrf) hidden(form, "csrf_token").value = button.dataset.csrf;
      if (button.dataset.uploadUrl) form.action = button.dataset.uploadUrl;
      show(form, "signed", words("signed"));
      HTMLFormElement.prototype.submit.call(form);   // a field named "submit" may hide the method
    } catch (refusal) {
      const known = refusal instanceof Refusal ? refusal : new Refusal("error", refusal.message);
      show(form, known.state, words(known.text) || words(known.state), known.detail);
      button.disabled = false;
    } finally {
      button.removeAttribute("aria-busy");
      if (agent) agent.close();
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-sign]");
    if (!button) return;
    event.preventDefault();
    pressed(button);
  });
  // Coming back by the browser's history must not find the button that was pressed still dead.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("[data-sign]")) button.disabled = false;
  });
})();
