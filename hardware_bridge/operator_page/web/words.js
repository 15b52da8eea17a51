"use strict";
// Small parts that the page is made of, and how numbers are written; each first with what it returns.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

const text = (id, words) => { if ($(id).textContent !== words) $(id).textContent = words; };
const show = (id, on) => $(id).toggleAttribute("hidden", !on);  // drawings have no property of that name

function make(tag, words, kind) {
  const each = document.createElement(tag);
  each.textContent = words;
  if (kind) each.className = kind;
  return each;
}

function shape(tag, places) {
  const each = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(places)) each.setAttribute(name, value);
  return each;
}

function button(words, does, kind) {
  const each = make("button", words, kind);
  each.type = "button";
  each.addEventListener("click", does);
  return each;
}

const none = (x) => x === null || x === undefined;
const number = (x, digits = 4) => none(x) ? "?" : Number(x).toFixed(digits).replace("-", "−");
const signed = (x, digits = 4) => `${x > 0 ? "+" : ""}${number(x, digits)}`;
const short = (x) => none(x) ? "?" : typeof x === "number" ? String(Number(x.toPrecision(4))).replaceAll("-", "−") : String(x);

const UNITS = [["_deg", "\u00a0°"], ["_mm", "\u00a0mm"], ["_s", "\u00a0s"], ["_px", "\u00a0px"], ["_points", "\u00a0points"]];
// The name and the value of an estimate, for a reader: the unit stands at the end of the name.
function named(name, value) {
  const unit = UNITS.find(([end]) => name.endsWith(end)), stem = unit ? name.slice(0, -unit[0].length) : name;
  const written = unit && typeof value === "number" ? short(Number(value.toFixed(3))) : short(value);
  return [stem.replaceAll("_", " "), none(value) ? "cannot say" : written + (unit ? unit[1] : "")];
}

const pairs = (rows) => rows.flatMap(([name, value, bad]) => [make("dt", name), make("dd", value, bad ? "bad" : "")]);
