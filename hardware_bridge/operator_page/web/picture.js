"use strict";
// What is drawn: the last frame with its marks, the axes as bars, the sites of a sample.
const AHEAD_MS = 120;  // after the last key, before it is asked where the spots would go

// Told apart by shape as well as by colour: found, predicted for this frame, at the goal, after what is proposed.
const MARKS = {
  found: { words: "found", draw: (x, y, r) => shape("circle", { class: "mark found", cx: x, cy: y, r }) },
  predicted: { words: "predicted", draw: (x, y, r) => shape("path", { class: "mark predicted", d: `M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}` }) },
  goal: { words: "at the goal", draw: (x, y, r) => shape("path", { class: "mark goal", d: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z` }) },
  ahead: { words: "after this move, as foretold", draw: (x, y, r) => shape("path", { class: "mark ahead", d: `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}` }) },
};
const hiddenMarks = new Set();
const glassMs = [];  // milliseconds from each frame's event to its picture, for measurements
let aheadShown = null, aheadKey = "", aheadTimer = 0;

function picture() {
  const frame = now.frame;
  // an older picture above a newer frame's words would be a lie
  if (!frame || !frame.shape) { show("glass", false); drawn.frame = 0; return; }
  if (frame.number === drawn.frame) return;
  drawn.frame = frame.number;
  const next = new Image();
  next.src = `/frame/${frame.number}.jpg`;
  // decoded before it is shown: no moment without a picture, and marks that belong to it
  next.decode().then(() => {
    if (drawn.frame !== frame.number) return;
    next.id = "frame";
    next.alt = `frame ${frame.counter}`;
    $("frame").replaceWith(next);
    drawn.pictured = frame.number;
    marks();
    requestAnimationFrame(() => requestAnimationFrame(() => { glassMs.push(Date.now() - 1000 * frame.came_s); }));
  }, () => { if (drawn.frame === frame.number) show("glass", false); });
}

// The places of each kind of mark on the frame that is shown; what belongs to another frame is left out.
function places() {
  const frame = now.frame, sight = now.sight && now.sight.number === frame.number ? now.sight : {};
  return { found: frame.spots_px, predicted: sight.predicted_px, goal: sight.goal_px, ahead: aheadShown && aheadShown.predicted_px };
}

function marks() {
  const frame = now.frame;
  if (!frame || !frame.shape || drawn.pictured !== frame.number) return;
  show("glass", true);
  const [rows, columns] = frame.shape, size = Math.max(rows, columns), all = places(), spots = $("spots");
  spots.setAttribute("viewBox", `-0.5 -0.5 ${columns} ${rows}`);
  spots.setAttribute("preserveAspectRatio", "none");
  const kinds = Object.keys(MARKS).filter((kind) => all[kind]);
  spots.replaceChildren(...kinds.filter((kind) => !hiddenMarks.has(kind)).flatMap((kind) => all[kind].map(([x, y]) => MARKS[kind].draw(x, y, size / (kind === "found" ? 80 : 120)))));
  legend(kinds, all);
}

function legend(kinds, all) {
  const key = kinds.map((kind) => `${kind}${all[kind].length}${hiddenMarks.has(kind)}`).join();
  if (key === drawn.legend) return;
  drawn.legend = key;
  $("legend").replaceChildren(...kinds.map((kind) => {
    const row = make("li", ""), label = make("label", ""), box = document.createElement("input"), sign = shape("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" });
    box.type = "checkbox"; box.id = `mark-${kind}`; box.checked = !hiddenMarks.has(kind);
    box.addEventListener("change", () => {
      if (box.checked) hiddenMarks.delete(kind); else hiddenMarks.add(kind);
      marks();
      $(`mark-${kind}`).focus();  // the list was made anew
    });
    sign.append(MARKS[kind].draw(0, 0, 5));
    label.append(box, sign, make("span", `${MARKS[kind].words} (${all[kind].length})`));
    row.append(label);
    return row;
  }));
}

// Where the axes would stand by what is proposed now: by an open question, by a person's numbers, or by the policy.
function proposedPlaces() {
  const asked = now.questions[0];
  const moves = asked && asked.command ? asked.command.moves : now.proposal ? now.proposal.axes : null;
  if (moves) return Object.fromEntries(moves.map((move) => [move.name, move.goes_to]));
  const fields = turnFields();
  if (!fields.length) return null;
  const given = fields.map(({ axis, value }) => {
    const stands = now.axes.find((each) => each.name === axis.name);
    return [axis.name, axis.to ? value : stands.readback + value];
  });
  return given.some(([, place]) => !Number.isFinite(place)) ? null : Object.fromEntries(given);
}

// Ask where the spots would go, where somebody knows; the answer is drawn when it comes.
function ahead() {
  const wanted = now.live && now.sight && now.sight.predicted_px && !now.ended ? proposedPlaces() : null;
  const key = wanted ? `${now.sight.number} ${JSON.stringify(wanted)}` : "";
  if (key === aheadKey) return;
  aheadKey = key;
  clearTimeout(aheadTimer);
  if (!wanted) { aheadShown = null; text("ahead", ""); marks(); return; }
  aheadTimer = setTimeout(async () => {
    try {
      const answer = await fetch(`/preview?${new URLSearchParams(wanted)}`);
      const shown = answer.ok ? await answer.json() : null;
      if (key !== aheadKey) return;
      aheadShown = shown;
      text("ahead", shown ? `After this move: ${Object.entries(shown.values).map((pair) => named(...pair).join(" ")).join(", ")}, as foretold.` : "");
      marks();
    } catch { /* the page says that it is blind where nothing answers any more */ }
  }, AHEAD_MS);
}

function bar(axis, words) {
  const drawing = shape("svg", { viewBox: "0 0 1000 26", preserveAspectRatio: "none", role: "img", "aria-label": `${axis.name} within its limits` });
  if (none(axis.low) || !(axis.high > axis.low)) return drawing;
  const at = (x) => Math.max(0, Math.min(1000, 1000 * (x - axis.low) / (axis.high - axis.low)));
  drawing.append(shape("rect", { class: "track", x: 0, y: 8, width: 1000, height: 10 }));
  for (const box of axis.forbidden) {
    const [low, high] = [at(box.low - box.margin), at(box.high + box.margin)];
    drawing.append(shape("rect", { class: "forbidden", x: low, y: 5, width: Math.max(2, high - low), height: 16 }));
    words.append(make("span", `⊘ ${box.name}: ${short(box.low)} … ${short(box.high)}${box.others.length ? ` (with ${box.others.join(", ")})` : ""}`, "bad"));
  }
  if (axis.swept) {
    const [from, to] = axis.swept.map(at);
    drawing.append(shape("rect", { class: "swept", x: Math.min(from, to), y: 10, width: Math.max(2, Math.abs(to - from)), height: 6 }));
  }
  if (!none(axis.target)) drawing.append(shape("path", { class: "target", d: `M${at(axis.target)} 1v24` }));
  if (!none(axis.readback)) drawing.append(shape("rect", { class: "rbv", x: at(axis.readback) - 4, y: 4, width: 8, height: 18 }));
  return drawing;
}

function axes() {
  $("axes").replaceChildren(...now.axes.map((axis) => {
    const all = make("div", "", "axis"), words = make("div", "", "numbers");
    words.append(make("b", axis.name), make("span", `RBV ${number(axis.readback)} ${axis.unit}`), make("span", `VAL ${number(axis.target)}`));
    words.append(make("span", none(axis.low) ? "no limits in the file" : `limits ${short(axis.low)} … ${short(axis.high)}`, "quiet"));
    if (axis.moves) words.append(make("b", "► moves"));
    all.append(words, bar(axis, words));
    return all;
  }));
}

// Few points are pale and small, many dark and large: read without colours too.
function site(x, y, share) {
  const shade = Math.round(225 - 190 * share);
  return shape("circle", { class: "site", cx: x, cy: y, r: 4 + 6 * share, fill: `rgb(${Math.round(shade * .75)},${Math.round(shade * .9)},${shade})` });
}

function map() {
  const [x, y] = now.axes, two = now.path.length > 0 && now.axes.length > 1 && x.unit === "mm" && y.unit === "mm" && !none(x.low) && !none(y.low);
  show("sites", two);
  if (!two) return;
  const size = 300, at = (value, axis) => size * (value - axis.low) / (axis.high - axis.low);
  const where = (each) => [at(each.at[0], x), size - at(each.at[1], y)];
  const scored = now.path.filter((each) => !none(each.score)), scores = scored.map((each) => each.score);
  const low = Math.min(...scores), high = Math.max(...scores), best = scored.find((each) => each.score === high);
  const last = now.path[now.path.length - 1], drawing = $("map");
  drawing.setAttribute("viewBox", `-12 -12 ${size + 24} ${size + 24}`);
  drawing.replaceChildren(shape("rect", { class: "track", x: 0, y: 0, width: size, height: size }), shape("polyline", { class: "path", points: now.path.map((each) => where(each).join()).join(" ") }));
  drawing.append(...scored.map((each) => site(...where(each), high > low ? (each.score - low) / (high - low) : 1)));
  const [cx, cy] = where(last);
  drawing.append(shape("path", { class: "here", d: `M${cx - 9} ${cy}h18M${cx} ${cy - 9}v18` }));
  if (best) { const [bx, by] = where(best); drawing.append(shape("circle", { class: "best", cx: bx, cy: by, r: 13 })); }
  const span = (axis) => `${axis.name} from ${short(axis.low)} to ${short(axis.high)} mm`;
  text("mapwords", `${span(x)} to the right, ${span(y)} upwards; ${now.path.length} exposures, the cross is the last one.${best ? ` Larger and darker: more points, ${short(low)} to ${short(high)}; ringed: the best, at ${short(best.at[0])}, ${short(best.at[1])}.` : ""}`);
}
