"use strict";
/* The search: companies and themes by an index that forgives a typo, latents by the words of their labels. */
compsim.search = (() => {
  const MOST = 12;
  const KINDS = { c: "company", t: "theme", l: "latent" };
  const WEIGHTS = { c: 3, t: 1.5 };
  let index = null;
  let latents = null;
  let shown = [];
  let active = -1;

  const input = () => document.getElementById("search");
  const box = () => document.getElementById("results");

  function build() {
    if (index) return;
    const { companies, themes } = compsim.loaded("main");
    index = new MiniSearch({
      fields: ["ticker", "name", "more"],
      storeFields: [],
      searchOptions: {
        prefix: true,
        fuzzy: (term) => (term.length > 3 ? 0.2 : false),
        boost: { ticker: 5, name: 2 },
        combineWith: "AND",
        boostDocument: (id) => WEIGHTS[id[0]],
      },
    });
    index.addAll(companies.key.map((_, i) => ({
      id: `c${i}`, ticker: companies.ticker[i], name: companies.name[i], more: `${companies.cik[i]} ${companies.former[i]}`,
    })));
    index.addAll(themes.number.map((number, i) => ({ id: `t${number}`, ticker: "", name: themes.label[i], more: themes.terms[i] })));
  }

  function readLatents() {
    if (latents || !compsim.loaded("main").has.latents) return;
    latents = [];
    compsim.load("latents").then((part) => {
      latents = part.label.map((label, i) => ({ number: part.number[i], words: ` ${label.toLowerCase()}`, reports: part.reports[i] }));
      look();
    }, () => {});
  }

  // Latents are many and have short labels: every word that is asked for begins a word of the label, or is the number.
  function latentsLike(text, most) {
    const words = text.toLowerCase().split(/[\s,;]+/).filter(Boolean);
    if (!latents || !words.length || words.join("").length < 2) return [];
    const begins = words.map((word) => ` ${word}`);
    const hits = latents.filter((each) => String(each.number) === words[0] || begins.every((word) => each.words.includes(word)));
    hits.sort((a, b) => a.words.indexOf(begins[0]) - b.words.indexOf(begins[0]) || b.reports - a.reports || a.number - b.number);
    return hits.slice(0, most).map((each) => `l${each.number}`);
  }

  function matches(text) {
    const { companies } = compsim.loaded("main");
    const exact = text.trim().toLowerCase();
    const hits = index.search(text).map((hit) => {
      const ticker = hit.id[0] === "c" ? companies.ticker[Number(hit.id.slice(1))].toLowerCase() : "";
      return { id: hit.id, score: hit.score, first: ticker !== "" && ticker === exact };
    });
    hits.sort((a, b) => b.first - a.first || b.score - a.score);
    const others = latentsLike(text, 4);
    return [...hits.slice(0, MOST - others.length).map((hit) => hit.id), ...others];
  }

  function place(id) {
    const number = Number(id.slice(1));
    return id[0] === "c" ? { at: ["company", compsim.loaded("main").companies.key[number]] } : { at: [KINDS[id[0]], number] };
  }

  function named(id) {
    const { companies, themes } = compsim.loaded("main");
    const number = Number(id.slice(1));
    if (id[0] === "c") return [companies.ticker[number] && said(companies.ticker[number], { class: "ticker" }), said(companies.name[number] || companies.key[number])];
    if (id[0] === "t") return [said(themes.label[themes.number.indexOf(number)] || `Theme ${number}`)];
    return [said(compsim.latents.label(number) || "without a label"), h("span", { class: "quiet" }, ` ${number}`)];
  }

  function look() {
    const text = input().value;
    const hits = text.trim() && document.activeElement === input() ? matches(text) : [];
    shown = hits;
    active = shown.length ? 0 : -1;
    const empty = text.trim() !== "" && !shown.length && document.activeElement === input();
    box().replaceChildren(
      ...shown.map((id, i) => h("li", {
        id: `hit-${i}`, role: "option", "aria-selected": String(i === active),
        onmousedown: (event) => event.preventDefault(), onclick: () => choose(i),
      }, h("span", { class: "what" }, named(id)), h("span", { class: "kind" }, KINDS[id[0]]))),
      ...(empty ? [h("li", { class: "quiet" }, "Nothing by that name.")] : []),
    );
    box().hidden = !shown.length && !empty;
    input().setAttribute("aria-expanded", String(shown.length > 0));
    mark();
  }

  function mark() {
    [...box().children].forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
    if (active < 0) input().removeAttribute("aria-activedescendant");
    else input().setAttribute("aria-activedescendant", `hit-${active}`);
    if (active >= 0) box().children[active].scrollIntoView({ block: "nearest" });
  }

  function close() {
    shown = [];
    active = -1;
    box().hidden = true;
    box().replaceChildren();
    input().setAttribute("aria-expanded", "false");
    input().removeAttribute("aria-activedescendant");
  }

  function choose(i) {
    const id = shown[i];
    input().value = "";
    close();
    input().blur();
    location.hash = address(place(id));
  }

  function pressed(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!shown.length) return;
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
      mark();
    } else if (event.key === "Enter") {
      if (active >= 0) choose(active);
    } else if (event.key === "Escape") {
      if (box().hidden) input().blur();
      close();
    } else return;
    event.preventDefault();
  }

  function start() {
    input().addEventListener("input", () => { build(); readLatents(); look(); });
    input().addEventListener("focus", () => { build(); readLatents(); look(); });
    input().addEventListener("blur", close);
    input().addEventListener("keydown", pressed);
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        input().focus();
      }
    });
  }

  return { start, build };
})();
