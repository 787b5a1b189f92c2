// The report's own script: pictures over training time, curves, and buttons that copy.
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const several = data.runs.length > 1;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Samples ---------------------------------------------------------------------------------
  const slider = document.getElementById("moment");
  if (slider) {
    const says = document.getElementById("moment-says");
    const last = Number(slider.max);
    const pictures = all("img[data-tile]").map((img) => ({
      img, run: Number(img.dataset.run), at: data.tiles[img.dataset.tile], shown: img.src,
    }));
    // Of each run the moment nearest to its best step, which need not have a picture.
    const nearest = data.runs.map(({ moments, best }) => {
      const apart = (step) => Math.abs(step - best);
      return best === null ? undefined
        : moments.reduce((found, step) => (apart(step) < apart(found) ? step : found), moments[0]);
    });
    const momentOf = (run, at) => {
      const count = data.runs[run].moments.length;
      return Math.round((at / last) * (count - 1));
    };
    const show = () => {
      const at = Number(slider.value);
      for (const { img, run, at: urls, shown } of pictures) {
        const url = urls[momentOf(run, at)];
        img.classList.toggle("absent", url === "");
        if (url !== "") img.src = url ?? shown;
      }
      const said = data.runs.map((run, n) => {
        const step = run.moments[momentOf(n, at)];
        if (step === undefined) return "";
        const best = step !== nearest[n] ? "" : step === run.best ? " (best)"
          : `, nearest to the best (${run.best})`;
        return several ? `${run.name}: step ${step}${best}` : `step ${step}${best}`;
      });
      says.textContent = said.filter(Boolean).join(" · ");
      slider.setAttribute("aria-valuetext", says.textContent);
    };
    const best = several ? -1 : data.runs[0].moments.indexOf(nearest[0]);
    const places = { first: 0, last, best };
    for (const button of all("[data-jump]")) {
      button.hidden = places[button.dataset.jump] < 0;
      button.addEventListener("click", () => {
        slider.value = places[button.dataset.jump];
        show();
      });
    }
    slider.addEventListener("input", show);
    show();
  }

  // Curves ----------------------------------------------------------------------------------
  const smoothing = document.getElementById("smoothing");
  const logarithmic = document.getElementById("logarithmic");
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
  const charts = [];

  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const faint = (rgb) => rgb.replace(/^rgb\(([^)]*)\)$/, "rgba($1, 0.28)");

  // The mean of a value and those before it, with weights that fall by `keep` a value.
  const smooth = (values, keep) => {
    let mean = 0, weight = 0;
    return values.map((value) => {
      mean = keep * mean + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
      return mean / weight;
    });
  };
  const keep = () => 1 - 10 ** (-Number(smoothing.value) / 50);
  const number = (value) => (value == null ? "" : Number(value.toPrecision(4)).toString());

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.lines = data.charts[figure.dataset.chart];
      this.plot = figure.querySelector(".plot");
      this.hidden = new Set();
      this.legend();
      this.draw();
      new ResizeObserver(() => this.resize()).observe(this.plot);
      for (const button of all("[data-zoom]", figure)) {
        button.addEventListener("click", () => this.zoom(button.dataset.zoom));
      }
      this.plot.addEventListener("keydown", (event) => {
        const does = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "all", Escape: "all" }[event.key];
        if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        this.zoom(does);
      });
    }

    colour(line) { return colour(`c${(several ? line.run : line.place) % 8}`); }
    dash(line) { return DASHES[(several ? line.place : line.place >> 3) % DASHES.length]; }

    legend() {
      const legend = this.figure.querySelector(".legend");
      this.values = this.lines.map((line, n) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", "true");
        const key = document.createElement("span");
        key.className = "key";
        key.style.borderTopColor = `var(--c${(several ? line.run : line.place) % 8})`;
        if (this.dash(line).length) key.style.borderTopStyle = this.dash(line)[0] > 5 ? "dashed" : "dotted";
        const value = document.createElement("span");
        value.className = "value";
        button.append(key, line.label, value);
        button.addEventListener("click", () => {
          if (!this.hidden.delete(n)) this.hidden.add(n);
          button.setAttribute("aria-pressed", String(!this.hidden.has(n)));
          this.draw(true);
        });
        legend.append(button);
        return value;
      });
      if (this.lines.some((line) => line.baseline != null)) {
        const note = document.createElement("span");
        note.className = "soft small";
        note.textContent = "dashed: the stronger baseline · ring: best";
        legend.append(note);
      }
    }

    // Columns for uPlot: all steps, then of each line the raw values, the smoothed ones, and the
    // stronger baseline.
    table() {
      const joined = uPlot.join(this.lines.map((line) => [line.x, line.y]));
      const smoothed = uPlot.join(this.lines.map((line) => [line.x, smooth(line.y, keep())]));
      const positive = (column) => (this.log() ? column.map((v) => (v > 0 ? v : null)) : column);
      const columns = [joined[0]];
      this.lines.forEach((line, n) => {
        columns.push(positive(joined[n + 1]), positive(smoothed[n + 1]));
        columns.push(positive(joined[0].map(() => line.baseline)));
      });
      return columns;
    }

    log() { return logarithmic.checked && this.lines.some((line) => line.y.some((v) => v > 0)); }

    draw(keepZoom = false) {
      const zoomed = keepZoom && this.view ? { ...this.view } : null;
      this.u?.destroy();
      const soft = colour("soft"), grid = colour("line");
      const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif" };
      const series = [{}];
      this.lines.forEach((line, n) => {
        const stroke = this.colour(line), dash = this.dash(line), show = !this.hidden.has(n);
        series.push({ stroke: faint(stroke), width: 1, dash, spanGaps: true, points: { show: false }, show: show && keep() > 0 });
        series.push({ stroke, width: 2, dash, spanGaps: true, show });
        series.push({ stroke, width: 1.5, dash: [3, 5], points: { show: false }, show: show && line.baseline != null });
      });
      this.u = new uPlot({
        width: Math.max(200, this.plot.clientWidth), height: 240,
        legend: { show: false },
        cursor: { drag: { x: true, y: false }, points: { size: 6 } },
        scales: { x: { time: false }, y: { distr: this.log() ? 3 : 1 } },
        axes: [{ ...axis, space: 70, size: 32 }, { ...axis, size: 58, values: (u, ticks) => ticks.map((v) => (v == null ? "" : number(v))) }],
        series,
        hooks: {
          setCursor: [(u) => this.read(u)],
          setScale: [(u, key) => { if (key === "x") this.view = { min: u.scales.x.min, max: u.scales.x.max }; }],
          draw: [(u) => this.ring(u)],
        },
      }, this.table(), this.plot);
      if (zoomed) this.u.setScale("x", zoomed);
    }

    redata() {
      const view = this.view && { ...this.view };
      this.u.batch(() => {
        this.u.setData(this.table(), false);
        this.lines.forEach((line, n) => this.u.setSeries(3 * n + 1, { show: !this.hidden.has(n) && keep() > 0 }));
        if (view) this.u.setScale("x", view);
      });
    }

    ring(u) {
      const { ctx } = u;
      this.lines.forEach((line, n) => {
        if (!line.best || this.hidden.has(n) || line.best[0] < u.scales.x.min || line.best[0] > u.scales.x.max) return;
        const x = u.valToPos(line.best[0], "x", true), y = u.valToPos(line.best[1], "y", true);
        ctx.save();
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.arc(x, y, 6 * devicePixelRatio, 0, 2 * Math.PI);
        ctx.lineWidth = 2 * devicePixelRatio;
        ctx.strokeStyle = this.colour(line);
        ctx.stroke();
        ctx.restore();
      });
    }

    read(u) {
      const at = u.cursor.idx;
      this.lines.forEach((line, n) => {
        const value = at == null || this.hidden.has(n) ? null : u.data[3 * n + 2][at];
        this.values[n].textContent = number(value);
      });
    }

    resize() {
      const width = this.plot.clientWidth;
      if (width > 0 && width !== this.u.width) this.u.setSize({ width, height: 240 });
    }

    zoom(does) {
      const steps = this.u.data[0], first = steps[0], end = steps[steps.length - 1];
      let { min, max } = this.u.scales.x;
      const middle = (min + max) / 2, width = max - min;
      if (does === "all") [min, max] = [first, end];
      if (does === "in") [min, max] = [middle - width / 4, middle + width / 4];
      if (does === "out") [min, max] = [middle - width, middle + width];
      if (does === "left") [min, max] = [min - width / 4, max - width / 4];
      if (does === "right") [min, max] = [min + width / 4, max + width / 4];
      if (does === "left" && min < first) [min, max] = [first, first + width];
      if (does === "right" && max > end) [min, max] = [end - width, end];
      min = Math.max(min, first);
      max = Math.min(max, end);
      if (max - min > 1e-9) this.u.setScale("x", { min, max });
    }
  }

  const drawOpen = () => {
    for (const figure of all(".chart")) {
      if (figure.dataset.drawn || !figure.closest("details.group").open) continue;
      figure.dataset.drawn = "yes";
      const chart = new Chart(figure);
      charts.push(chart);
      figure.chart = chart;
    }
  };
  if (smoothing) {
    for (const group of all("details.group")) group.addEventListener("toggle", drawOpen);
    smoothing.addEventListener("input", () => {
      const weight = keep();
      document.getElementById("smoothing-says").textContent = weight ? weight.toFixed(2) : "off";
      for (const chart of charts) chart.redata();
    });
    const redraw = () => { for (const chart of charts) chart.draw(true); };
    logarithmic.addEventListener("change", redraw);
    document.addEventListener("themechange", redraw);
    drawOpen();
  }

  // Copying: a page that is opened from disk may not reach the clipboard; then the text is selected.
  for (const button of all(".copy")) {
    const code = button.parentElement.querySelector("code");
    button.addEventListener("click", async () => {
      const selection = getSelection();
      selection.selectAllChildren(code);
      let copied = false;
      try {
        await navigator.clipboard.writeText(code.textContent);
        copied = true;
      } catch {
        try { copied = document.execCommand("copy"); } catch { }
      }
      button.textContent = copied ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
})();
