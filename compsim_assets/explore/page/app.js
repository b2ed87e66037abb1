"use strict";
/* Which page is shown, of which year. */
{
  const page = document.getElementById("main");
  const slider = document.getElementById("year");
  let turn = 0;

  compsim.announce = (text) => { document.getElementById("announce").textContent = text; };

  function asked() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const parameters = new URLSearchParams(query || "");
    let at = [];
    try {
      at = path.split("/").filter(Boolean).map(decodeURIComponent);
    } catch { /* a broken address is none */ }
    return { at, year: Number(parameters.get("year")) || null, report: parameters.get("report") };
  }

  const VIEWS = { company: 1, theme: 1, latent: 1, cluster: 2 };

  async function show(moved) {
    const mine = ++turn;
    const { years } = compsim.loaded("main");
    const place = asked();
    compsim.state.year = years.includes(place.year) ? place.year : compsim.state.year ?? years[years.length - 1];
    settle();
    const [name, ...rest] = place.at;
    let nodes;
    try {
      const ready = Object.hasOwn(VIEWS, name || "") && rest.length === VIEWS[name];
      nodes = await (ready ? compsim.views[name](...rest, place) : home());
    } catch (problem) {
      nodes = [h("h1", { tabindex: "-1" }, "This cannot be shown"), h("p", {}, problem.message)];
    }
    if (mine !== turn) return; // another page was asked for meanwhile
    const [title, ...others] = nodes.flat(Infinity).filter((node) => node instanceof Node);
    const { note } = compsim.loaded("main").about;
    page.replaceChildren(title, ...(note ? [h("p", { class: "note" }, note)] : []), ...others);
    performance.mark("shown");
    page.dataset.shown = `${place.at.join("/")} ${compsim.state.year}`;
    if (moved) {
      window.scrollTo(0, 0);
      page.querySelector("h1").focus({ preventScroll: true });
    }
    compsim.announce(document.title);
    (window.requestIdleCallback || setTimeout)(() => readAhead(place.at[0]));
  }

  // What the years beside this one need, so that turning to them waits for nothing.
  function readAhead(view) {
    const { years, has } = compsim.loaded("main");
    const i = years.indexOf(compsim.state.year);
    for (const year of [years[i - 1], years[i + 1]].filter((each) => each !== undefined)) {
      const names = [`year-${year}`];
      if (view && has.reasons) names.push(`reasons-${year}`);
      if (view === "company" && has.text) names.push(`texts-${year}`);
      for (const name of names) compsim.load(name).catch(() => {});
    }
  }

  function settle() {
    const { years } = compsim.loaded("main");
    const i = years.indexOf(compsim.state.year);
    slider.value = String(i);
    slider.setAttribute("aria-valuetext", String(compsim.state.year));
    document.getElementById("year-shown").textContent = String(compsim.state.year);
    document.getElementById("earlier").disabled = i <= 0;
    document.getElementById("later").disabled = i >= years.length - 1;
    document.querySelector(".brand").setAttribute("href", address({ at: [] }));
  }

  function turnTo(i) {
    const { years } = compsim.loaded("main");
    if (i < 0 || i >= years.length || years[i] === compsim.state.year) return;
    const { at } = asked();
    // A cluster's number means nothing in another year.
    const place = { at: at[0] === "cluster" ? [] : at, year: years[i] };
    history.replaceState(null, "", address(place));
    show(false);
  }

  async function home() {
    const { about, years, companies, has } = compsim.loaded("main");
    const { year } = compsim.state;
    const part = await compsim.load(`year-${year}`);
    document.title = `${year}: compsim explorer`;
    const near = part.map ? Array.from(part.map.near).filter((each) => each !== 255) : [];
    const kept = near.length ? near.reduce((a, b) => a + b, 0) / near.length / 100 : null;
    const order = Array.from({ length: part.n }, (_, i) => i).sort((a, b) => collator.compare(compsim.company.name(part.company[a]), compsim.company.name(part.company[b])));
    return [
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, `Who is alike in ${year}, and why`),
        h("p", { class: "quiet" }, `${plural(part.n, "company", "companies")} of this year, ${whole(companies.key.length)} in ${years.length === 1 ? "one year" : `${years.length} years`}. Search for one, or take one from the map.`)),
      has.map && part.map ? [compsim.map.draw(part), h("p", { class: "quiet" }, compsim.map.caution,
        kept === null ? null : ` Of the ten nearest companies by cosine, ${percent(kept)} are among the ten nearest here.`)]
        : h("p", { class: "note" }, about.compared === "pairs" ? "There is no map: companies are compared by published pairs, and there are no scores to draw them by." : "There is no map of this year: the asset company_map has no rows of it."),
      h("details", {}, h("summary", {}, `All companies of ${year}, as a list`),
        h("ul", { class: "members" }, order.map((i) => h("li", {}, compsim.company.link(part.company[i]))))),
    ];
  }

  const collator = new Intl.Collator("en", { sensitivity: "base", numeric: true });

  function footer() {
    const { about } = compsim.loaded("main");
    append(document.getElementById("about"), [h("p", {}, "Data: ", said(about.data || "not named"), ". ",
      about.seen || null, " This page is files in a folder: it loads nothing from anywhere else.")]);
  }

  async function start() {
    try {
      await compsim.load("main");
    } catch (problem) {
      page.replaceChildren(h("h1", {}, "This cannot be shown"), h("p", {}, problem.message));
      return;
    }
    const { years } = compsim.loaded("main");
    if (!years.length) {
      page.replaceChildren(h("h1", {}, "Nothing to show"), h("p", {}, "The universe has no reports."));
      return;
    }
    slider.max = String(years.length - 1);
    slider.addEventListener("input", () => turnTo(Number(slider.value)));
    document.getElementById("earlier").addEventListener("click", () => turnTo(Number(slider.value) - 1));
    document.getElementById("later").addEventListener("click", () => turnTo(Number(slider.value) + 1));
    window.addEventListener("hashchange", () => { show(true); });
    document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); page.focus(); });
    compsim.search.start();
    footer();
    await show(false);
    (window.requestIdleCallback || setTimeout)(compsim.search.build);
  }

  start();
}
