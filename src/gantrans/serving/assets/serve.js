// The page of `gantrans serve`: takes an image, has it translated, and shows what became of it.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const made = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
  const number = new Intl.NumberFormat();
  const bytes = (n) => (n < 2 ** 20 ? `${number.format(Math.ceil(n / 2 ** 10))} KiB`
    : `${Number((n / 2 ** 20).toPrecision(3))} MiB`);

  let served = null; // what /api/models said
  let given = null; // the file that was chosen last
  let image = null; // the one that is translated, in memory: what is on disk may change
  let running = null; // the AbortController of the request that is under way
  let urls = []; // of pictures that are shown

  const chosen = () => served.models.find((model) => model.name === at("model").value);
  const direction = () => {
    const to = document.querySelector("input[name='to']:checked").value;
    return chosen().directions.find((one) => one.target === to);
  };

  // What can be chosen.

  const showModels = () => {
    at("model").replaceChildren(...served.models.map((m) => made("option", { value: m.name }, m.name)));
    at("model-field").hidden = served.models.length === 1;
    const { upload_bytes, pixels } = served.limits;
    at("limits").textContent = `PNG, JPEG, WebP, TIFF, BMP or GIF; at most ${bytes(upload_bytes)} and `
      + `${number.format(pixels / 1e6)} megapixels`;
    showDirections();
  };

  const showDirections = () => {
    const model = chosen();
    const before = document.querySelector("input[name='to']:checked")?.value;
    const kept = model.directions.find((one) => one.target === before) ?? model.directions[0];
    document.querySelector(".segments").replaceChildren(...model.directions.map((one) => made("label", {},
      made("input", { type: "radio", name: "to", value: one.target, checked: one === kept, autocomplete: "off" }),
      `${one.source} → ${one.target}`)));
    showWay();
  };

  const showWay = () => {
    const [model, way] = [chosen(), direction()];
    at("back-field").hidden = !way.round_trip;
    const size = model.trained_at ? `, trained on squares of ${model.trained_at} pixels` : "";
    at("about").textContent = `${model.name}: ${way.generator}, step ${number.format(model.step)}${size}.`;
  };

  // What is said.

  const say = (message) => {
    at("error").hidden = !message;
    const named = given && message.startsWith(given.name); // a name stays as it is
    at("error").textContent = named ? message : capital(message);
  };

  const fail = (message) => {
    at("busy").hidden = true;
    clear();
    say(message);
  };

  const clear = () => {
    urls.forEach((one) => URL.revokeObjectURL(one));
    urls = [];
    at("results").replaceChildren();
    at("drop").classList.remove("small");
    at("said").textContent = "";
  };

  const tell = ({ ahead, share }) => {
    at("busy").hidden = false;
    const waits = ahead > 0;
    at("doing").textContent = waits ? `Waiting: ${ahead} before this one` : "Translating";
    if (waits || !share) at("progress").removeAttribute("value");
    else at("progress").value = share;
  };

  // Translating.

  const take = async (file) => {
    if (!served) return;
    given = file;
    if (file.size > served.limits.upload_bytes) {
      say(`${file.name} has ${bytes(file.size)}, and at most ${bytes(served.limits.upload_bytes)} are taken here.`);
      return;
    }
    const content = await file.arrayBuffer().catch(() => null);
    if (given !== file) return;
    if (!content) {
      say(`${file.name} cannot be read any more (or is a folder): choose it again.`);
      return;
    }
    image = new File([content], file.name, { type: file.type });
    clear();
    translate();
  };

  const stop = () => {
    running?.abort();
    running = null;
    at("busy").hidden = true;
    at("results").classList.remove("old");
  };

  const translate = async () => {
    stop();
    say("");
    const mine = running = new AbortController();
    const [file, way, form] = [image, direction(), new FormData()];
    form.append("file", file, file.name);
    form.append("model", at("model").value);
    form.append("to", way.target);
    form.append("round_trip", String(way.round_trip && at("back").checked));
    tell({});
    at("results").classList.add("old");
    try {
      const answer = await fetch("/api/translate", {
        method: "POST", body: form, signal: mine.signal, headers: { Accept: "application/x-ndjson" },
      });
      if (!answer.ok) {
        const { error } = await answer.json().catch(() => ({}));
        throw new Error(error ?? `the server answered with ${answer.status}: try again later`);
      }
      let told = false;
      for await (const event of lines(answer.body)) {
        if (mine !== running) return;
        if (event.error) throw new Error(event.error);
        told ||= Boolean(event.result);
        if (event.result) show(file, way, event.result);
        else tell(event);
      }
      if (!told) throw new Error("the server broke off: see its terminal");
    } catch (error) {
      if (mine !== running) return;
      fail(error instanceof TypeError ? "the server does not answer any more: see its terminal" : error.message);
    }
    if (mine === running) stop();
  };

  async function* lines(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parts = []; // of a line that has not ended: results are long
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const [first, ...rest] = value.split("\n");
      parts.push(first);
      for (const next of rest) {
        const line = parts.splice(0).join("");
        if (line) yield JSON.parse(line);
        parts.push(next);
      }
    }
  }

  // Showing.

  const fromBase64 = (text, type) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type });
  const url = (blob) => {
    urls.push(URL.createObjectURL(blob));
    return urls.at(-1);
  };

  const show = (file, way, result) => {
    clear();
    say("");
    const seen = (kind, blob) => url(result.previews[kind] ? fromBase64(result.previews[kind], "image/png") : blob);
    const input = seen("input", file);
    const side = (made, kind, label, words) => {
      const blob = fromBase64(made.data, made.media_type);
      return card(input, seen(kind, blob), made, url(blob), blob.size, way.source, label, file.name, words);
    };
    const cards = [side(result.output, "output", way.target, `translated to ${way.target}`)];
    if (result.round_trip) {
      cards.push(side(result.round_trip, "cycle", `${way.source} again`, `translated to ${way.target} and back to ${way.source}`));
    }
    at("results").classList.toggle("two", cards.length > 1);
    at("results").replaceChildren(...cards);
    attachDividers(at("results"));
    for (const stage of document.querySelectorAll(".stage")) {
      stage.scrollLeft = (stage.scrollWidth - stage.clientWidth) / 2; // to the line
    }
    at("drop").classList.add("small");
    at("said").textContent = `${file.name} is translated to ${way.target}.`;
  };

  const card = (before, after, made_, download, size, left, right, name, words) => {
    const range = made("input", { type: "range", min: 0, max: 100, value: 50 });
    range.setAttribute("aria-label", `Divider between ${left} and ${right}`);
    const figure = made("figure", { className: "divider" },
      made("img", { className: "before", src: before, alt: `${name}, as it was given` }),
      made("img", { className: "after", src: after, alt: `${name}, ${words}` }), range);
    const { width, height } = made_;
    figure.classList.toggle("clear", made_.media_type !== "image/jpeg");
    figure.style.aspectRatio = `${width} / ${height}`;
    figure.style.minWidth = `${Math.max(160, 40 * width / height)}px`; // of the longest, too, something is seen
    figure.style.width = `min(${Math.max(width, 480)}px, calc(72vh * ${width / height}))`;
    const link = made("a", { className: "button main", href: download, download: made_.name }, `Download ${made_.name}`);
    return made("section", { className: "card" },
      made("h2", {}, capital(words)),
      made("div", { className: "stage" }, figure),
      made("div", { className: "sides" }, made("span", {}, left), made("span", {}, right)),
      made("div", { className: "actions" }, link,
        made("small", {}, `${number.format(width)} × ${number.format(height)} pixels, ${bytes(size)}`)));
  };

  // What people do.

  const ofTransfer = (transfer) => [...(transfer?.files ?? [])][0];
  let depth = 0; // of elements that a dragged file is over
  const over = (change) => {
    depth = Math.max(0, depth + change);
    at("drop").classList.toggle("over", depth > 0);
  };
  document.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    const file = ofTransfer(event.dataTransfer);
    if (file) take(file);
    else say("that was no file: save the image, and drop the file");
  });
  document.addEventListener("paste", (event) => {
    const file = ofTransfer(event.clipboardData);
    if (file) take(file);
    else say("there is no image to paste: copy an image, not its address");
  });
  at("file").addEventListener("change", () => {
    const [file] = at("file").files;
    if (file) take(file);
    at("file").value = ""; // so that the same file can be chosen again
  });
  at("cancel").addEventListener("click", stop);
  at("choices").addEventListener("submit", (event) => event.preventDefault());
  at("choices").addEventListener("change", (event) => {
    if (event.target === at("model")) showDirections();
    else showWay();
    if (image) translate();
  });

  fetch("/api/models").then((answer) => answer.json()).then((answer) => {
    served = answer;
    showModels();
  }).catch(() => fail("the server does not answer: see its terminal"));
})();
