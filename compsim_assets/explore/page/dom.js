"use strict";
/* Elements, made of texts: a text of the data becomes a text node or a value, never markup. */
const ATTRIBUTES = new Set([
  "class", "id", "role", "tabindex", "scope", "colspan", "type", "name", "value", "for", "hidden", "disabled", "open",
  "width", "height", "title", "lang", "dir",
]);

function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "to") element.setAttribute("href", address(value));
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "share") element.style.setProperty("--share", String(value));
    else if (ATTRIBUTES.has(name) || name.startsWith("aria-")) element.setAttribute(name, value === true ? "" : String(value));
    else throw new Error(`no such attribute: ${name}`);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

// A text of the data, whose direction of writing does not touch what stands around it.
const said = (text, properties) => h("bdi", properties, text);

// A place in this page: its parts in order, and the year.
function address(place) {
  const path = place.at.map((part) => encodeURIComponent(String(part))).join("/");
  const year = place.year ?? compsim.state.year;
  const query = new URLSearchParams();
  if (year !== null && year !== undefined) query.set("year", String(year));
  if (place.report !== undefined) query.set("report", String(place.report));
  const text = query.toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

const NOTHING = "–";
// The sign of a minus as wide as a plus, and no zero before the point: columns of shares are read at a glance.
function decimal(value, digits = 2) {
  if (value === null || Number.isNaN(value)) return NOTHING;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? "0" : text.replace(/^(-?)0\./, "$1.").replace("-", "−");
}
const percent = (value, digits = 0) => (value === null || Number.isNaN(value) ? NOTHING : `${(100 * value).toFixed(digits)}\u00a0%`);
const whole = (value) => value.toLocaleString("en-US");
const plural = (count, one, many) => `${whole(count)} ${count === 1 ? one : many || `${one}s`}`;

function section(title, ...children) {
  const id = `s-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

// A line for each part of a sum: its name, its bar to the left or to the right of zero, its number.
function bars(lines, caption) {
  const largest = Math.max(1e-9, ...lines.map((line) => Math.abs(line.value)));
  return h("table", { class: "bars" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "Part"), h("th", { scope: "col" }, "Contribution"))),
    h("tbody", {}, lines.map((line) => h("tr", { class: line.rest ? "rest" : null },
      h("th", { scope: "row" }, line.name),
      h("td", {},
        h("span", { class: line.value < 0 ? "bar against" : "bar", share: (Math.abs(line.value) / largest).toFixed(4), "aria-hidden": "true" }),
        h("span", { class: "number" }, decimal(line.value, 3)))))));
}

const meter = (value, low = 0, high = 1) =>
  h("span", { class: "meter", share: Math.min(1, Math.max(0, (value - low) / (high - low || 1))).toFixed(4), "aria-hidden": "true" });

function list(entries) {
  return h("dl", {}, entries.filter((entry) => entry && entry[1] !== null).map(([term, ...description]) =>
    h("div", {}, h("dt", {}, term), h("dd", {}, ...description))));
}

// Links, separated as in a sentence.
function enumeration(nodes, between = ", ") {
  return nodes.flatMap((node, i) => (i ? [between, node] : [node]));
}
