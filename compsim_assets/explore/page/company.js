"use strict";
/* A company's page: who is like it, how sure that is, why, and what changed. */
compsim.views = compsim.views || {};

compsim.views.company = (() => {
  const FEW = 10;
  let scope = null; // the reader's choice, kept from company to company
  let all = false;

  async function view(key, place) {
    const main = compsim.loaded("main");
    const company = compsim.company.number(key);
    if (company < 0) return missingPage("There is no such company here.");
    const { year } = compsim.state;
    const part = await compsim.load(`year-${year}`);
    const positions = [];
    part.company.forEach((each, i) => { if (each === company) positions.push(i); });
    document.title = `${compsim.company.name(company)}, ${year}: compsim explorer`;
    const history = await compsim.load("history");
    if (!positions.length) return [heading(company, null), absent(company, history, year)];
    const asked = positions.find((i) => String(part.report[i]) === place.report);
    const position = asked ?? positions.find((i) => peersOf(part, "all", i).length) ?? positions[0];
    const [reasons, texts] = await Promise.all([
      main.has.reasons ? compsim.load(`reasons-${year}`) : null,
      main.has.text ? compsim.load(`texts-${year}`) : null,
      main.has.latents ? compsim.load("latents") : null,
    ]);
    return [
      heading(company, part, position),
      several(company, part, positions, position),
      facts(part, position, texts),
      peers(part, position, reasons),
      changes(company, part, position, history),
      onTheMap(part, position),
      past(company, history),
    ];
  }

  function heading(company, part, position) {
    const { companies } = compsim.loaded("main");
    const ticker = companies.ticker[company];
    return h("div", { class: "title" },
      h("h1", { tabindex: "-1" }, said(compsim.company.name(company)), ticker && companies.name[company] ? [" ", said(ticker, { class: "ticker" })] : null),
      h("p", { class: "quiet" }, part ? `${compsim.state.year}` : null,
        companies.cik[company] ? [part ? " · " : null, "CIK ", said(companies.cik[company])] : null,
        companies.former[company] ? [" · also ", said(companies.former[company])] : null));
  }

  function absent(company, history, year) {
    const years = compsim.loaded("main").years;
    const there = [];
    for (let i = history.start[company]; i < history.start[company + 1]; i++) there.push(years[history.year[i]]);
    return h("p", {}, `It has no report of ${year}. It has of `,
      enumeration([...new Set(there)].map((each) => h("a", { to: compsim.company.place(company, each) }, each))), ".");
  }

  function several(company, part, positions, position) {
    if (positions.length < 2) return null;
    return h("p", { class: "note" }, `It has ${positions.length} reports of this year: `,
      enumeration(positions.map((i) => i === position ? h("strong", {}, part.report[i])
        : h("a", { to: { ...compsim.company.place(company), report: part.report[i] } }, part.report[i]))), ".");
  }

  function facts(part, position, texts) {
    const main = compsim.loaded("main");
    const industry = part.industry.names[part.industry.of[position]];
    const sector = part.sector.names[part.sector.of[position]];
    const clusters = Object.entries(part.clusters).map(([mode, numbers]) => clusterFact(part, mode, numbers, position));
    const text = texts ? texts[position] : "";
    return [
      list([
        ["Industry", part.sic[position] ? [said(`SIC ${part.sic[position]}`), industry ? [", ", said(industry)] : null] : "no SIC code"],
        sector ? ["Sector", said(sector)] : null,
        ...clusters,
        ["Report", String(part.report[position])],
      ]),
      text ? h("details", { class: "text" }, h("summary", {}, "What it says of itself"), h("p", {}, said(text)))
        : h("p", { class: "quiet" }, main.has.text ? "This report has no description." : "The universe has no descriptions."),
    ];
  }

  function clusterFact(part, mode, numbers, position) {
    const number = numbers[position];
    let size = 0;
    for (const each of numbers) if (each === number) size++;
    const what = !number ? "in none" : size === 1 ? "alone" : h("a", { to: { at: ["cluster", mode, number] } }, `${number}, of ${plural(size, "company", "companies")}`);
    return [`Cluster, ${mode}`, what];
  }

  function peers(part, position, reasons) {
    const main = compsim.loaded("main");
    if (!main.has.peers) return section("Peers", h("p", {}, "There are no peers: the asset peers has no rows."));
    const lists = { industry: peersOf(part, "industry", position), all: peersOf(part, "all", position) };
    const code = part.sic[position];
    const sector = part.sector.names[part.sector.of[position]];
    const choices = [
      ["industry", code ? `Within industry (SIC ${code.slice(0, 2)})` : "Within industry"],
      ...(!code && sector ? [["sector", "Within its sector"]] : []),
      ["all", "Among all companies"],
    ];
    if (!code && sector) {
      lists.sector = lists.all.filter((peer) => part.sector.of[peer.position] === part.sector.of[position]);
    }
    const usable = (name) => name in lists && lists[name].length > 0;
    let now = scope !== null && usable(scope) ? scope : ["industry", "sector", "all"].find(usable) || "all";
    const body = h("div", { id: "peers" });
    const show = () => body.replaceChildren(...peerBody(part, position, reasons, now, lists[now] || [], show));
    const buttons = choices.map(([name, label]) => h("button", {
      type: "button", "aria-pressed": String(name === now), disabled: !usable(name), data: { scope: name },
      onclick: (event) => {
        now = scope = name;
        for (const each of event.currentTarget.parentElement.children) each.setAttribute("aria-pressed", String(each.dataset.scope === name));
        show();
      },
    }, label));
    show();
    return section("Peers", h("div", { class: "choice", role: "group", "aria-label": "Peers among" }, buttons),
      whyNoIndustry(code, sector, lists), body);
  }

  function whyNoIndustry(code, sector, lists) {
    if (lists.industry.length) return null;
    if (!compsim.loaded("main").has.sic) return h("p", { class: "note" }, "No company here has a SIC code: there are no peers within an industry.");
    if (code) return h("p", { class: "note" }, `No other company of this year has a SIC code that begins with ${code.slice(0, 2)}.`);
    return h("p", { class: "note" }, "It has no SIC code, so it has no peers within an industry. ",
      sector ? ["Its sector is ", said(sector), ": the peers within it are those among its nearest of all companies."] : null);
  }

  function peerBody(part, position, reasons, now, rows, again) {
    if (!rows.length) return [h("p", {}, "It has no peers here.")];
    const visible = all ? rows : rows.slice(0, FEW);
    const features = compsim.loaded("main").about.compared !== "pairs";
    const table = h("table", { class: "peers" },
      h("caption", { class: "unseen" }, `Peers of ${compsim.company.name(part.company[position])}, ${compsim.state.year}, nearest first`),
      h("thead", {}, h("tr", {}, [["#", "rank"], ["Company", ""], ["Cosine", "n"], ["Percentile", "n wide", "Share of the year's pairs of companies with a smaller cosine"],
        ["Sure", "n", "Share of bootstrap draws of latents in which it stays among the ten nearest, or in the nearer half of fewer than twenty"], ["A year ago", "wide gap", "Whether it was among the 50 nearest then"],
        ["Returns, next year", "n wide", "Correlation of the two companies' monthly returns in the year after"], ["Alike most in", "wide", "The theme with the largest contribution, and its share of the cosine"], ["", ""]]
        .map(([text, kind, title]) => h("th", { scope: "col", class: kind || null, title }, text || h("span", { class: "unseen" }, "Why"))))),
      h("tbody", {}, visible.flatMap((peer) => peerRows(part, position, reasons, peer))));
    return [
      features ? common(reasons, position, rows) : h("p", { class: "note" }, "Companies are compared by published pairs here. There are cosines, and no features: no reasons and no confidence."),
      table,
      rows.length > FEW ? h("button", { type: "button", class: "plain", onclick: () => { all = !all; again(); } },
        all ? `Only the first ${FEW}` : `All ${rows.length}`) : null,
    ].filter(Boolean);
  }

  // What the nearest ones have in common with it: the mean contribution of each theme over the explained ones.
  function common(reasons, position, rows) {
    if (!reasons) return h("p", { class: "note" }, "There are no reasons: the asset peer_explanations has no rows.");
    const sums = new Map();
    let n = 0;
    let cosine = 0;
    for (const peer of rows.slice(0, FEW)) {
      const why = reasonsOf(reasons, position, peer.position);
      if (!why || !why.theme.length) continue;
      n++;
      cosine += peer.cosine;
      for (const part of named(why.theme)) sums.set(part.number, (sums.get(part.number) || 0) + part.value);
    }
    if (!n) return null;
    const top = [...sums].map(([number, sum]) => ({ number, value: sum / n })).sort((a, b) => b.value - a.value).slice(0, 5);
    const share = top.reduce((sum, part) => sum + part.value, 0) / (cosine / n);
    return h("div", { class: "common" },
      h("h3", {}, `What it shares with ${n === 1 ? "the nearest one" : `the ${n} nearest`}`),
      bars(top.map((part) => ({ name: compsim.theme.link(part.number), value: part.value })), "Themes, by their mean contribution to the cosine"),
      h("p", { class: "quiet" }, `Mean contribution to the cosine, which is ${decimal(cosine / n, 3)} on average. These themes cover ${percent(share)} of it.`));
  }

  const LAST = ["new", "yes", NOTHING];

  function peerRows(part, position, reasons, peer) {
    const why = reasons && reasonsOf(reasons, position, peer.position);
    const id = `why-${peer.rank}`;
    const name = compsim.company.name(peer.company);
    const detail = h("tr", { class: "why", id, hidden: true }, h("td", { colspan: "9" }));
    const button = why && h("button", {
      type: "button", class: "plain", "aria-expanded": "false", "aria-controls": id, "aria-label": `Why ${name}`,
      onclick: () => {
        const open = detail.hidden;
        detail.hidden = !open;
        button.setAttribute("aria-expanded", String(open));
        if (open && !detail.firstChild.firstChild) append(detail.firstChild, [explained(peer, why)]);
      },
    }, "Why");
    const first = why && named(why.theme).find((each) => each.value > 0);
    return [
      h("tr", {},
        h("td", { class: "rank" }, peer.rank),
        h("th", { scope: "row" }, compsim.company.link(peer.company)),
        h("td", { class: "n" }, meter(peer.cosine), h("span", { class: "number" }, decimal(peer.cosine, 3))),
        h("td", { class: "n wide" }, percent(peer.percentile, 1)),
        h("td", { class: "n" }, peer.confidence === null ? NOTHING : percent(peer.confidence)),
        h("td", { class: "wide gap" }, LAST[peer.last]),
        h("td", { class: "n wide" }, decimal(peer.next, 2)),
        h("td", { class: "wide themes" }, first ? [compsim.theme.link(first.number), h("span", { class: "quiet" }, ` ${percent(first.value / peer.cosine)}`)] : null),
        h("td", {}, button)),
      ...(why ? [detail] : []),
    ];
  }

  function explained(peer, why) {
    const narrow = h("p", { class: "narrow quiet" },
      `Percentile ${percent(peer.percentile, 1)}. A year ago: ${["not among the 50 nearest", "among the 50 nearest", "not known"][peer.last]}. Correlation of returns in the year after: ${decimal(peer.next)}.`);
    const both = h("p", { class: "quiet" }, "What both have less of than most companies makes them alike, too: it contributes as what both have more of.");
    return [narrow, h("div", { class: "two" },
      sum("Themes", why.theme, peer.cosine, compsim.theme.link, "theme"),
      sum("Single latents", why.latent, peer.cosine, compsim.latents.link, "latent")), both];
  }

  function sum(title, parts, cosine, link, one) {
    if (!parts.length) return h("div", {}, h("h3", {}, title), h("p", { class: "quiet" }, `There are no ${one}s.`));
    const others = parts.filter((part) => part.number < 0);
    const lines = [
      ...named(parts).map((part) => ({ name: link(part.number), value: part.value })),
      ...others.map((part) => ({ name: "all others together", value: part.value, rest: true })),
    ];
    const share = cosine ? covered(parts) / cosine : null;
    const unusual = named(parts).filter((part) => part.unusual !== null && part.value > 0).sort((a, b) => b.unusual - a.unusual)[0];
    return h("div", {},
      h("h3", {}, title),
      bars(lines, `${title}: contributions to the cosine`),
      h("p", { class: "quiet" }, `${plural(named(parts).length, `${one} is`, `${one}s are`)} shown: ${decimal(covered(parts), 3)} of the cosine of ${decimal(cosine, 3)}, ${percent(share)}. With the others the sum is ${decimal(covered(parts) + others.reduce((s, p) => s + p.value, 0), 3)}.`,
        unusual ? [" The least usual among pairs of this year: ", link(unusual.number), `, ${decimal(unusual.unusual, 3)} more than a pair has on average.`] : null));
  }

  function rowsOf(history, company) {
    const rows = [];
    for (let i = history.start[company]; i < history.start[company + 1]; i++) rows.push(i);
    return rows;
  }

  const nearest = (history, scope_, row) => Array.from(history[scope_].company.subarray(history[scope_].start[row], history[scope_].start[row + 1]));

  function changes(company, part, position, history) {
    const { years } = compsim.loaded("main");
    const { year } = compsim.state;
    const rows = rowsOf(history, company);
    const row = rows.find((i) => years[history.year[i]] === year);
    const before = rows.filter((i) => years[history.year[i]] < year).pop();
    if (row === undefined) return null;
    if (before === undefined) return section("What changed", h("p", {}, "This is its first report here."));
    const then = years[history.year[before]];
    const lines = [];
    for (const [name, words] of [["industry", "within the industry"], ["all", "among all companies"]]) {
      const now = nearest(history, name, row);
      const old = nearest(history, name, before);
      if (!now.length || !old.length) continue;
      const came = now.filter((each) => !old.includes(each));
      const went = old.filter((each) => !now.includes(each));
      lines.push(h("li", {}, came.length + went.length === 0 ? `The ten nearest ${words} are the same as in ${then}.` : [
        `Of the ten nearest ${words}, ${came.length} were not among them in ${then}`,
        came.length ? [": ", enumeration(came.map((each) => compsim.company.brief(each)))] : null, ". ",
        went.length ? ["No longer: ", enumeration(went.map((each) => compsim.company.brief(each, then))), "."] : null,
      ]));
    }
    for (const mode of compsim.loaded("main").modes) {
      const cluster = history[`cluster-${mode}`];
      const [a, b] = [cluster.size[before], cluster.size[row]];
      if (a || b) lines.push(h("li", {}, `Its ${mode} cluster had ${a < 2 ? "nobody else" : plural(a, "company", "companies")} in ${then} and has ${b < 2 ? "nobody else" : plural(b, "company", "companies")} now.`));
    }
    return lines.length ? section("What changed", h("ul", {}, lines)) : null;
  }

  function past(company, history) {
    const { years, modes } = compsim.loaded("main");
    const rows = rowsOf(history, company).reverse();
    const which = rows.some((row) => nearest(history, "industry", row).length) ? "industry" : "all";
    return section("History",
      h("p", { class: "quiet" }, `The five nearest ${which === "industry" ? "within its industry" : "among all companies"} of each year; in bold those that were not among the ten nearest a report before.`),
      h("table", { class: "history" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Year"), h("th", { scope: "col" }, "Nearest"),
          modes.map((mode) => h("th", { scope: "col", class: "n" }, `Cluster, ${mode}`)))),
        h("tbody", {}, rows.map((row, i) => {
          const year = years[history.year[row]];
          const before = i + 1 < rows.length ? nearest(history, which, rows[i + 1]) : null;
          return h("tr", { class: year === compsim.state.year ? "now" : null },
            h("th", { scope: "row" }, h("a", { to: compsim.company.place(company, year), "aria-current": year === compsim.state.year ? "true" : null }, year)),
            h("td", {}, enumeration(nearest(history, which, row).slice(0, 5).map((each) =>
              compsim.company.brief(each, year, { class: before && before.length && !before.includes(each) ? "came" : null })))),
            modes.map((mode) => {
              const cluster = history[`cluster-${mode}`];
              const number = cluster.number[row];
              return h("td", { class: "n" }, !number ? NOTHING : cluster.size[row] < 2 ? "alone"
                : h("a", { to: { at: ["cluster", mode, number], year } }, `${number} (${cluster.size[row]})`));
            }));
        }))));
  }

  function onTheMap(part, position) {
    if (!compsim.loaded("main").has.map) return null;
    const near = part.map && missing(part.map.near[position], 255, 100);
    const marked = peersOf(part, "all", position).slice(0, FEW).map((peer) => peer.position);
    return section("Where it stands",
      compsim.map.draw(part, { selected: position, marked }),
      h("p", { class: "quiet" }, "Ringed: its ten nearest among all companies. ",
        near === null || near === undefined ? null : `Of these, ${percent(near)} are among its ten nearest on the map, too. `, compsim.map.caution));
  }

  function missingPage(text) {
    return [h("h1", { tabindex: "-1" }, "Not here"), h("p", {}, text), h("p", {}, h("a", { to: { at: [] } }, "To the map"))];
  }

  return Object.assign(view, { missingPage });
})();
