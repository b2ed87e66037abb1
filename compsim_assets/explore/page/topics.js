"use strict";
/* The pages of what companies are alike in: a theme, a latent, a cluster. */
{
  const MOST = 15;
  const missingPage = (text) => compsim.views.company.missingPage(text);

  const table = (headers, rows) => h("table", {},
    h("thead", {}, h("tr", {}, headers.map(([text, kind]) => h("th", { scope: "col", class: kind || null }, text)))),
    h("tbody", {}, rows));

  const told = (auc) => auc === null ? "not tested: too few reports" : `${decimal(auc)} (.5 is chance)`;

  // What it does to comparisons of the year.
  function inTheYear(part, reasons, kind, number) {
    const year = compsim.state.year;
    const { pairs, companies, count } = strongest(part, reasons, kind, number, MOST);
    if (!pairs.length) return section(`In ${year}`, h("p", {}, `It is no main reason of any explained pair of ${year}.`));
    return [
      section(`Companies of ${year}`,
        h("p", { class: "quiet" }, `By its mean contribution to the cosines with their explained peers; ${plural(count, "company has", "companies have")} one.`),
        bars(companies.map((each) => ({ name: compsim.company.link(part.company[each.position]), value: each.value })), "Companies, by contribution")),
      section(`Pairs of ${year}`,
        h("p", { class: "quiet" }, "The pairs to whose cosine it contributes most."),
        bars(pairs.map((pair) => ({
          name: [compsim.company.brief(part.company[pair.position]), " and ", compsim.company.brief(part.company[pair.peer])], value: pair.value,
        })), "Pairs, by contribution")),
    ];
  }

  async function reasonsOfYear() {
    const { year } = compsim.state;
    return Promise.all([
      compsim.load(`year-${year}`), compsim.loaded("main").has.reasons ? compsim.load(`reasons-${year}`) : null,
      compsim.loaded("main").has.latents ? compsim.load("latents") : null,
    ]);
  }

  compsim.views.theme = async (text) => {
    const { themes, has } = compsim.loaded("main");
    const number = Number(text);
    const i = compsim.theme.at(number);
    if (i < 0) return missingPage(has.themes ? "There is no such theme." : "There are no themes: the asset themes has no rows.");
    const [part, reasons, latents] = await reasonsOfYear();
    document.title = `${compsim.theme.label(number)}: compsim explorer`;
    const members = [];
    if (latents) latents.theme.forEach((theme, row) => { if (theme === number) members.push(row); });
    members.sort((a, b) => latents.reports[b] - latents.reports[a]);
    return [
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, said(compsim.theme.label(number))), h("p", { class: "quiet" }, `Theme ${number}: latents that are active in the same reports`)),
      list([["Words", said(themes.terms[i] || "nothing sets its reports apart")], ["Words tell its reports", told(themes.auc[i])], ["Latents", whole(themes.size[i])]]),
      reasons ? inTheYear(part, reasons, "theme", number) : null,
      section("Its latents", latents ? table([["Latent"], ["Reports", "n"]], members.slice(0, 40).map((row) =>
        h("tr", {}, h("th", { scope: "row" }, compsim.latents.link(latents.number[row])), h("td", { class: "n" }, whole(latents.reports[row])))))
        : h("p", {}, "The asset latents has no rows."),
      members.length > 40 ? h("p", { class: "quiet" }, `and ${whole(members.length - 40)} more`) : null),
    ];
  };

  compsim.views.latent = async (text) => {
    const { has } = compsim.loaded("main");
    const number = Number(text);
    if (!has.latents) return missingPage("There are no latents here: the asset latents has no rows.");
    const [part, reasons, latents] = await reasonsOfYear();
    const row = compsim.latents.row(number);
    if (row < 0) return missingPage(`There is no latent ${text}.`);
    const latent = (await compsim.load(`latents-${Math.floor(row / latents.part)}`))[row % latents.part];
    const label = latents.label[row];
    document.title = `Latent ${number}: compsim explorer`;
    return [
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, said(label || "Without a label")), h("p", { class: "quiet" }, `Latent ${number}`)),
      list([
        ["Words", said(latent.terms || "nothing sets its reports apart")],
        ["Words tell its reports", told(latent.auc)],
        latent.judged ? ["A language model calls it", [said(latent.judged[0]), latent.judged[1] ? [" (", said(latent.judged[1]), ")"] : null]] : null,
        ["Active in", `${plural(latents.reports[row], "report")}, ${percent(latent.rate, 1)}`],
        latents.theme[row] >= 0 ? ["Theme", compsim.theme.link(latents.theme[row])] : null,
        latent.fuzz === null ? null : ["Fuzz score", `${latent.fuzz} (chance is 50)`],
        latent.twin === null ? null : ["Nearest direction", [compsim.latents.link(latent.twin), `, cosine ${decimal(latent.alike)}`]],
        ["Rests on", EVIDENCE[latent.evidence] || said(latent.evidence)],
      ]),
      section("Where it is active", windows(latent)),
      section("Top companies, by year", topByYear(latent)),
      section("How strongly", distribution(latent)),
      reasons ? inTheYear(part, reasons, "latent", number) : null,
    ];
  };

  const EVIDENCE = {
    windows: "windows of text where it is active", scores: "a judge's examples", reports: "the reports in which it is strongest; there are no windows",
    none: "nothing: there is no evidence for it",
  };

  function windows(latent) {
    if (!latent.windows.length) return h("p", { class: "quiet" }, "There are no windows of text for it. They come with features that are extracted here, or with a judge's files.");
    return latent.windows.map((window) => h("figure", { class: "window" },
      h("blockquote", {}, h("bdi", {}, window.tokens.map((token, i) => {
        const active = Number(window.active[i]);
        return active ? h("mark", { class: `a${active}` }, token) : token;
      }))),
      h("figcaption", { class: "quiet" }, window.of && window.of[0] >= 0 ? [compsim.company.link(window.of[0], window.of[1]), `, ${window.of[1]} · `] : window.judged ? "from a judge's file · " : null,
        `largest activation ${window.largest}`)));
  }

  function topByYear(latent) {
    if (!latent.years.length) return h("p", { class: "quiet" }, "It is active in no report.");
    const rows = latent.years.slice().reverse().flatMap(([year, ...rest]) => {
      const companies = [];
      for (let i = 0; i < rest.length; i += 2) companies.push({ year, company: rest[i], activation: rest[i + 1], first: i === 0 });
      return companies;
    });
    const largest = Math.max(...rows.map((each) => each.activation));
    return [
      h("p", { class: "quiet" }, "The companies of each year in whose reports it is strongest; the activation is summed over the report's tokens."),
      table([["Year"], ["Company"], ["Activation", "n"]], rows.map((each) => h("tr", { class: each.year === compsim.state.year ? "now" : null },
        h("td", {}, each.first ? each.year : h("span", { class: "unseen" }, each.year)), h("th", { scope: "row" }, compsim.company.link(each.company, each.year)),
        h("td", { class: "n" }, meter(each.activation, 0, largest), h("span", { class: "number" }, each.activation.toFixed(1)))))),
    ];
  }

  function distribution(latent) {
    const q = latent.quantiles;
    if (!q) return h("p", { class: "quiet" }, "It is never active.");
    const at = (value) => (q[4] > q[0] ? (value - q[0]) / (q[4] - q[0]) : 0).toFixed(4);
    const box = h("div", { class: "box", "aria-hidden": "true" }, ["q1", "q2", "q3"].map((name, i) => h("span", { class: name, share: at(q[i + 1]) })));
    box.style.setProperty("--from", at(q[1]));
    box.style.setProperty("--to", at(q[3]));
    return [box, list([["Smallest", String(q[0])], ["A quarter below", String(q[1])], ["Median", String(q[2])], ["A quarter above", String(q[3])], ["Largest", String(q[4])]]),
      h("p", { class: "quiet" }, "Its activation in the reports in which it is active.")];
  }

  const NAMES = ["number", "members", "latents", "themes", "sic", "correlation", "low", "high", "from", "overlap", "entered", "left"];

  compsim.views.cluster = async (mode, text) => {
    const { year } = compsim.state;
    const { modes, has } = compsim.loaded("main");
    if (!modes.includes(mode)) return missingPage("There is no such cutoff mode here.");
    const number = Number(text);
    const [part, profiles] = await Promise.all([compsim.load(`year-${year}`), compsim.load(`clusters-${year}`)]);
    const members = [];
    part.clusters[mode].forEach((each, i) => { if (each === number) members.push(i); });
    if (!number || !members.length) return missingPage(`There is no cluster ${text} in ${year}. A cluster's number means nothing in another year.`);
    document.title = `Cluster ${number}, ${mode}, ${year}: compsim explorer`;
    const row = (profiles[mode] || []).find((each) => each[0] === number);
    const profile = row && Object.fromEntries(NAMES.map((name, i) => [name, row[i]]));
    return [
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, `Cluster ${number}`), h("p", { class: "quiet" }, `${year}, cutoff mode ${mode}, ${plural(members.length, "company", "companies")}`)),
      profile ? profiled(profile, mode) : h("p", { class: "note" }, members.length < 2 ? "A company alone has no profile." : has.profiles.includes(mode) ? "It has no profile." : "There are no profiles: the asset cluster_profiles has no rows."),
      section("Members", h("ul", { class: "members" }, members.map((i) => h("li", {}, compsim.company.link(part.company[i]))))),
      has.map ? section("On the map", compsim.map.draw(part, { marked: members }), h("p", { class: "quiet" }, compsim.map.caution)) : null,
    ];
  };

  // "4711 beverages, bottling; 12 snacks": a number, its label, and so on; what is written otherwise stays text.
  function listed(kind, text) {
    return enumeration(text.split("; ").map((part) => {
      const [, number, label] = /^(\d{1,9})(?: (.*))?$/.exec(part) || [];
      return number === undefined ? said(part) : h("a", { to: { at: [kind, number] } }, said(label || `${kind} ${number}`));
    }), "; ");
  }

  function profiled(profile, mode) {
    const before = compsim.loaded("main").years.filter((each) => each < compsim.state.year).pop();
    const moved = profile.low === null ? null : `, 95 % interval ${decimal(profile.low)} to ${decimal(profile.high)}`;
    return list([
      ["Alike in", profile.themes ? listed("theme", profile.themes) : "no theme"],
      ["Strong latents", profile.latents ? listed("latent", profile.latents) : "none"],
      ["SIC codes", said(profile.sic || "none")],
      ["Returns move together", [decimal(profile.correlation), moved]],
      ["A year ago", profile.from === null ? "nothing like it" : [h("a", { to: { at: ["cluster", mode, profile.from], year: before } }, `cluster ${profile.from}`), profile.overlap === null ? null : `, overlap ${percent(profile.overlap)}`]],
      profile.entered ? ["Entered", said(profile.entered)] : null,
      profile.left ? ["Left", said(profile.left)] : null,
    ]);
  }
}
