"use strict";
/* Reading the parts: peers of a report, reasons of a pair, names of companies, themes and latents. */
compsim.state = { year: null };

compsim.company = (() => {
  let keys = null;
  const all = () => compsim.loaded("main").companies;
  function number(key) {
    if (!keys) keys = new Map(all().key.map((each, i) => [each, i]));
    return keys.has(key) ? keys.get(key) : -1;
  }
  const name = (i) => all().name[i] || all().ticker[i] || all().key[i];
  const short = (i) => all().ticker[i] || all().name[i] || all().key[i];
  const place = (i, year) => ({ at: ["company", all().key[i]], year });
  const link = (i, year) => h("a", { to: place(i, year) }, said(name(i)), all().ticker[i] && all().name[i] ? [" ", said(all().ticker[i], { class: "ticker" })] : null);
  const brief = (i, year, properties) => h("a", { to: place(i, year), title: name(i), ...properties }, said(short(i)));
  return { number, name, short, place, link, brief };
})();

compsim.theme = (() => {
  const all = () => compsim.loaded("main").themes;
  const at = (number) => all().number.indexOf(number);
  const label = (number) => (at(number) < 0 ? "" : all().label[at(number)]) || `Theme ${number}, without a label`;
  const link = (number) => h("a", { to: { at: ["theme", number] } }, said(label(number)));
  return { at, label, link };
})();

compsim.latents = (() => {
  let rows = null;
  const part = () => compsim.loaded("latents");
  function row(number) {
    if (!part()) return -1;
    if (!rows) rows = new Map(Array.from(part().number, (each, i) => [each, i]));
    return rows.has(number) ? rows.get(number) : -1;
  }
  const label = (number) => (row(number) < 0 ? "" : part().label[row(number)]);
  const link = (number) => h("a", { to: { at: ["latent", number] } }, said(label(number) || "without a label"), h("span", { class: "quiet" }, ` ${number}`));
  return { row, label, link };
})();

const missing = (value, nothing, factor) => (value === nothing ? null : value / factor);

// The peers of the report at a position of its year, nearest first.
function peersOf(year, scope, position) {
  const peers = year.peers[scope];
  const result = [];
  for (let i = peers.start[position]; i < peers.start[position + 1]; i++) {
    result.push({
      rank: result.length + 1,
      position: peers.peer[i],
      company: year.company[peers.peer[i]],
      cosine: missing(peers.cosine[i], -32768, 10000),
      percentile: missing(peers.percentile[i], 65535, 10000),
      confidence: missing(peers.confidence[i], 255, 100),
      last: peers.last[i],
      next: missing(peers.next[i], -128, 100),
    });
  }
  return result;
}

// What a pair's cosine is made of, by themes and by latents; null where the pair is not explained.
function reasonsOf(reasons, position, peer) {
  for (let pair = reasons.start[position]; pair < reasons.start[position + 1]; pair++) {
    if (reasons.peer[pair] === peer) return { theme: partsOf(reasons.theme, pair), latent: partsOf(reasons.latent, pair) };
  }
  return null;
}

function partsOf(kind, pair) {
  const parts = [];
  for (let i = kind.start[pair]; i < kind.start[pair + 1]; i++) {
    parts.push({ number: kind.number[i], value: kind.value[i] / 10000, unusual: missing(kind.unusual[i], -32768, 10000) });
  }
  return parts;
}

const named = (parts) => parts.filter((part) => part.number >= 0);
const covered = (parts) => named(parts).reduce((sum, part) => sum + part.value, 0);

// The largest contributions of a theme or a latent to pairs of the year: pairs and companies.
function strongest(year, reasons, kind, number, most) {
  const table = reasons[kind];
  const pairs = [];
  const companies = new Map();
  const n = year.n;
  for (let position = 0; position < n; position++) {
    const first = reasons.start[position];
    const last = reasons.start[position + 1];
    let sum = 0;
    for (let pair = first; pair < last; pair++) {
      for (let i = table.start[pair]; i < table.start[pair + 1]; i++) {
        if (table.number[i] !== number) continue;
        sum += table.value[i];
        const peer = reasons.peer[pair];
        if (position < peer || !reasonsHave(reasons, peer, position)) pairs.push({ position, peer, value: table.value[i] / 10000 });
      }
    }
    if (sum) companies.set(position, sum / 10000 / (last - first));
  }
  pairs.sort((a, b) => b.value - a.value);
  const ordered = [...companies].map(([position, value]) => ({ position, value })).sort((a, b) => b.value - a.value);
  return { pairs: pairs.slice(0, most), companies: ordered.slice(0, most), count: ordered.length };
}

function reasonsHave(reasons, position, peer) {
  for (let pair = reasons.start[position]; pair < reasons.start[position + 1]; pair++) if (reasons.peer[pair] === peer) return true;
  return false;
}
