"use strict";
/* The map of a year: reports as points on a canvas, to look at, to zoom into and to walk over with the arrow keys. */
compsim.map = (() => {
  const caution = "The map is a t-SNE of the year's cosine distances. It keeps near neighbours together as well as a plane can; how far groups are apart, how large they are and where they lie means nothing.";
  const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8"];

  function draw(part, { selected = -1, marked = [] } = {}) {
    if (!part.map) return h("p", {}, "There is no map of this year.");
    const canvas = h("canvas", { tabindex: "0", role: "application", "aria-label": "Map of the year. Arrow keys go from company to company, Enter opens one, plus and minus zoom." });
    const tip = h("div", { class: "tip", hidden: true });
    const legend = h("ul", { class: "legend", "aria-label": "Colours" });
    const frame = h("div", { class: "map" }, canvas, tip,
      h("div", { class: "zoom" }, [["+", "Zoom in", 1.5], ["−", "Zoom out", 1 / 1.5]].map(([text, label, factor]) =>
        h("button", { type: "button", "aria-label": label, onclick: () => zoom(factor) }, text)),
      h("button", { type: "button", "aria-label": "Whole map", onclick: () => { scale = 1; middle = [0, 0]; paint(); } }, "↺")));
    const there = [];
    for (let i = 0; i < part.n; i++) if (part.map.x[i] !== -32768) there.push(i);
    const x = Float64Array.from(there, (i) => part.map.x[i] / 32767);
    const y = Float64Array.from(there, (i) => part.map.y[i] / 32767);
    // The frame is filled, at most half as wide again as high: the axes mean nothing.
    const low = [Math.min(...x), Math.min(...y)];
    const high = [Math.max(...x), Math.max(...y)];
    const groups = coloured(part, there);
    const rings = new Set(marked);
    let scale = 1;
    let middle = [0, 0];
    let active = there.indexOf(selected);
    let drawn = false;

    const size = () => [canvas.clientWidth || 600, canvas.clientHeight || 400];
    function units() {
      const [w, t] = size();
      const [across, down] = [(w - 70) / (high[0] - low[0] || 1), (t - 36) / (high[1] - low[1] || 1)];
      const least = Math.min(across, down);
      return [Math.min(across, 1.6 * least) * scale, Math.min(down, 1.6 * least) * scale];
    }
    const centre = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
    function at(k) {
      const [w, t] = size();
      const [ux, uy] = units();
      return [w / 2 - 16 + (x[k] - centre[0] - middle[0]) * ux, t / 2 + (y[k] - centre[1] - middle[1]) * uy];
    }

    function paint() {
      drawn = true;
      const [w, t] = size();
      const ratio = window.devicePixelRatio || 1;
      canvas.width = w * ratio;
      canvas.height = t * ratio;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const style = getComputedStyle(canvas);
      const tone = (name) => style.getPropertyValue(name).trim();
      const dimmed = rings.size > 0 || selected >= 0;
      const radius = Math.min(6, (there.length > 600 ? 2.6 : 3.4) * Math.sqrt(scale));
      for (let k = 0; k < there.length; k++) {
        const [px, py] = at(k);
        const strong = !dimmed || rings.has(there[k]) || there[k] === selected;
        pen.globalAlpha = strong ? 0.9 : 0.35;
        pen.fillStyle = tone(groups.colour[groups.of[k]]);
        pen.beginPath();
        pen.arc(px, py, strong && dimmed ? radius + 1.5 : radius, 0, 2 * Math.PI);
        pen.fill();
        if (strong && dimmed) {
          pen.globalAlpha = 1;
          pen.strokeStyle = tone("--ink");
          pen.lineWidth = there[k] === selected ? 2.5 : 1.2;
          pen.stroke();
        }
      }
      pen.globalAlpha = 1;
      labels(pen, tone, w, t, dimmed);
    }

    // As many names as have room, first of what is marked.
    function labels(pen, tone, w, t, dimmed) {
      pen.font = `12px ${getComputedStyle(canvas).fontFamily}`;
      pen.textBaseline = "middle";
      const taken = [];
      const order = there.map((_, k) => k).sort((a, b) => weight(b) - weight(a));
      let count = 0;
      for (const k of order) {
        if (dimmed && !weight(k) && scale < 3) break;
        if (count > 160) break;
        const [px, py] = at(k);
        if (px < 0 || py < 0 || px > w || py > t) continue;
        const text = compsim.company.short(part.company[there[k]]).slice(0, 24);
        const width = pen.measureText(text).width;
        const left = px + 8 + width > w ? px - 8 - width : px + 8;
        const area = [left - 2, py - 8, left + width + 2, py + 8];
        if (taken.some((other) => area[0] < other[2] && area[2] > other[0] && area[1] < other[3] && area[3] > other[1])) continue;
        taken.push(area);
        count++;
        pen.lineWidth = 3;
        pen.strokeStyle = tone("--paper");
        pen.strokeText(text, left, py);
        pen.fillStyle = tone(weight(k) || !dimmed ? "--ink" : "--quiet");
        pen.fillText(text, left, py);
      }
    }

    const weight = (k) => (there[k] === selected || k === active ? 2 : rings.has(there[k]) ? 1 : 0);

    function zoom(factor, px, py) {
      const [w, t] = size();
      const [ux, uy] = units();
      const next = Math.min(40, Math.max(1, scale * factor));
      if (px !== undefined) {
        const away = [(px - w / 2 + 16) / ux, (py - t / 2) / uy];
        middle = [middle[0] + away[0] * (1 - scale / next), middle[1] + away[1] * (1 - scale / next)];
      }
      scale = next;
      if (scale === 1) middle = [0, 0];
      paint();
    }

    function nearestTo(px, py, most = 14) {
      let best = -1;
      let least = most * most;
      for (let k = 0; k < there.length; k++) {
        const [cx, cy] = at(k);
        const apart = (cx - px) ** 2 + (cy - py) ** 2;
        if (apart < least) { least = apart; best = k; }
      }
      return best;
    }

    function show(k) {
      active = k;
      tip.hidden = k < 0;
      if (k < 0) return;
      const i = there[k];
      const [px, py] = at(k);
      tip.replaceChildren(said(compsim.company.name(part.company[i])), h("span", { class: "quiet" }, " ", said(groups.names[groups.of[k]])));
      const [w] = size();
      tip.style.left = `${Math.min(Math.max(8, px + 10), w - 180)}px`;
      tip.style.top = `${Math.max(4, py - 34)}px`;
    }

    function open(k) {
      if (k >= 0) location.hash = address(compsim.company.place(part.company[there[k]]));
    }

    function step(dx, dy) {
      const [px, py] = active >= 0 ? at(active) : size().map((each) => each / 2);
      let best = -1;
      let least = Infinity;
      for (let k = 0; k < there.length; k++) {
        if (k === active) continue;
        const [cx, cy] = at(k);
        const along = (cx - px) * dx + (cy - py) * dy;
        const across = Math.abs((cx - px) * dy) + Math.abs((cy - py) * dx);
        if (along <= 0 || across > along * 1.5) continue;
        if (along + 2 * across < least) { least = along + 2 * across; best = k; }
      }
      if (best < 0) return;
      show(best);
      paint();
      compsim.announce(compsim.company.name(part.company[there[best]]));
    }

    const KEYS = {
      ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), Enter: () => open(active), Escape: () => show(-1),
    };
    canvas.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      KEYS[event.key]();
    });

    let from = null;
    canvas.addEventListener("pointerdown", (event) => { from = { at: [event.offsetX, event.offsetY], middle: [...middle], moved: false }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) { show(nearestTo(event.offsetX, event.offsetY)); canvas.classList.toggle("over", active >= 0); return; }
      const [dx, dy] = [event.offsetX - from.at[0], event.offsetY - from.at[1]];
      if (Math.abs(dx) + Math.abs(dy) < 4 || scale === 1) return;
      const [ux, uy] = units();
      from.moved = true;
      middle = [from.middle[0] - dx / ux, from.middle[1] - dy / uy];
      paint();
    });
    canvas.addEventListener("pointerup", (event) => { if (from && !from.moved) open(nearestTo(event.offsetX, event.offsetY)); from = null; });
    canvas.addEventListener("pointerleave", () => { if (!from) show(-1); });
    canvas.addEventListener("wheel", (event) => {
      if (scale === 1 && event.deltaY > 0) return; // the page scrolls
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.offsetX, event.offsetY);
    }, { passive: false });

    append(legend, [groups.names.map((name, g) => h("li", {}, h("span", { class: `dot ${groups.colour[g].slice(2)}` }), said(name)))]);
    new ResizeObserver(() => { if (frame.isConnected) paint(); }).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (frame.isConnected && drawn) paint(); });
    return h("div", {}, frame, legend);
  }

  // By sector where there are some, else by industry; what is less frequent than the eighth is grey.
  function coloured(part, there) {
    const by = part.sector.names.some(Boolean) ? part.sector : part.industry;
    const counts = new Array(by.names.length).fill(0);
    for (const i of there) counts[by.of[i]]++;
    const order = counts.map((_, g) => g).filter((g) => counts[g] && by.names[g]).sort((a, b) => counts[b] - counts[a] || a - b);
    const top = order.slice(0, COLOURS.length).sort((a, b) => a - b);
    const names = top.map((g) => by.names[g]);
    const rest = order.length > top.length ? "others" : "not known";
    const grey = there.some((i) => !top.includes(by.of[i]));
    const number = new Map(top.map((g, k) => [g, k]));
    return {
      names: grey ? [...names, rest] : names,
      colour: [...names.map((_, k) => COLOURS[k]), "--c0"],
      of: there.map((i) => number.get(by.of[i]) ?? names.length),
    };
  }

  return { draw, caution };
})();
