"use strict";

// One canvas shows the same crop of two pictures: A left of the divider, B right of it. On a canvas
// a picture pixel is a whole number of screen pixels at any screen density, and flicker is instant;
// two <img> elements guarantee neither.

const LEVELS = [0, 1, 2, 4, 8]; // factors of the picture's size; 0 fits the whole picture into the stage
const FLICKER_MS = 400; // fast flashes can harm people with photosensitive epilepsy

const find = (selector) => document.querySelector(selector);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const rows = [...document.querySelectorAll("tbody tr")];
const titles = [...document.querySelectorAll("thead th")].slice(3).map((cell) => cell.textContent);
const pictures = rows.map((row) => row.querySelector("img"));
const stage = find("#stage");
const canvas = find("canvas");
const divider = find("#divider");
const flickerButton = find("#flicker");
const zoomButtons = [...document.querySelectorAll("[data-zoom]")];

// a, b: rows of the table. split: the divider, as a share of the stage's width. x, y: the point of the
// picture in the middle of the stage, as shares of the picture's sides.
const state = { a: 0, b: Math.min(1, rows.length - 1), split: 0.5, zoom: 0, x: 0.5, y: 0.5 };
let alone = null; // "a" or "b" while only that picture is shown

// --- the picture ---

function density() {
  return window.devicePixelRatio || 1;
}

function layout() {
  const { naturalWidth: width, naturalHeight: height } = pictures[0];
  const fit = Math.min(canvas.width / width, canvas.height / height, Math.max(1, Math.round(density())));
  const scale = state.zoom ? state.zoom * Math.max(1, Math.round(density())) : fit;
  const side = (room, length, middle) => ({
    length: length * scale,
    start: Math.round(length * scale <= room ? (room - length * scale) / 2 : room / 2 - middle * length * scale),
  });
  return { scale, across: side(canvas.width, width, state.x), down: side(canvas.height, height, state.y) };
}

function draw() {
  canvas.width = Math.round(stage.clientWidth * density());
  canvas.height = Math.round(stage.clientHeight * density());
  canvas.style.width = `${canvas.width / density()}px`; // the browser blurs a stretched canvas
  canvas.style.height = `${canvas.height / density()}px`;
  keepInside();
  const context = canvas.getContext("2d");
  const { scale, across, down } = layout();
  context.imageSmoothingEnabled = scale < 1;
  context.imageSmoothingQuality = "high";
  const border = alone ? (alone === "a" ? canvas.width : 0) : Math.round(state.split * canvas.width);
  for (const [side, from, to] of [["a", 0, border], ["b", border, canvas.width]]) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, canvas.height);
    context.clip();
    context.drawImage(pictures[state[side]], across.start, down.start, across.length, down.length);
    context.restore();
  }
}

// Keep the picture over the whole stage, or in the middle of it where the picture is smaller.
function keepInside() {
  const { across, down } = layout();
  const inside = (middle, room, length) =>
    length <= room ? 0.5 : clamp(middle, room / length / 2, 1 - room / length / 2);
  state.x = inside(state.x, canvas.width, across.length);
  state.y = inside(state.y, canvas.height, down.length);
}

// --- captions ---

function caption(side) {
  const section = find(`section.${side}`);
  const row = rows[state[side]];
  section.querySelector("span").textContent = row.querySelector("th").textContent;
  const facts = [...row.querySelectorAll("td")].slice(2).map((cell, index) => {
    const fact = document.createElement("div");
    for (const [tag, text] of [["dt", titles[index]], ["dd", cell.textContent]]) {
      fact.appendChild(document.createElement(tag)).textContent = text;
    }
    return fact;
  });
  section.querySelector("dl").replaceChildren(...facts);
  section.classList.toggle("hidden", alone !== null && alone !== side);
  row.querySelector(`[name=${side}]`).checked = true;
}

function render() {
  draw();
  caption("a");
  caption("b");
  divider.hidden = alone !== null;
  divider.style.left = `${100 * state.split}%`;
  divider.setAttribute("aria-valuenow", Math.round(100 * state.split));
  for (const button of zoomButtons) button.setAttribute("aria-pressed", Number(button.dataset.zoom) === state.zoom);
  remember();
}

function change(values) {
  Object.assign(state, values);
  state.split = clamp(state.split, 0, 1);
  render();
}

// --- zoom, pan, flicker ---

// Zoom around the point at left, top, in shares of the stage's sides.
function zoomTo(zoom, left = 0.5, top = 0.5) {
  const place = () => {
    const { across, down } = layout();
    return [(left * canvas.width - across.start) / across.length, (top * canvas.height - down.start) / down.length];
  };
  const [x, y] = place();
  state.zoom = zoom;
  const [newX, newY] = place();
  change({ x: state.x + x - newX, y: state.y + y - newY });
}

function zoomBy(step, left, top) {
  zoomTo(LEVELS[clamp(LEVELS.indexOf(state.zoom) + step, 0, LEVELS.length - 1)], left, top);
}

function pan(left, top) { // in CSS pixels
  const { across, down } = layout();
  change({ x: state.x - (left * density()) / across.length, y: state.y - (top * density()) / down.length });
}

function swap() {
  change({ a: state.b, b: state.a });
}

function showAlone(side) {
  alone = side;
  render();
}

let flickering = 0;
function flicker(on) {
  clearInterval(flickering);
  if (on) flickering = setInterval(() => showAlone(alone === "a" ? "b" : "a"), FLICKER_MS);
  flickerButton.setAttribute("aria-pressed", on);
  showAlone(on ? "b" : null);
}

// --- pointers: mouse, pen, touch ---

stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.isPrimary) return;
  stage.setPointerCapture(event.pointerId);
  const dividing = event.target === divider;
  const grip = dividing ? event.clientX - divider.getBoundingClientRect().left - divider.offsetWidth / 2 : 0;
  let { clientX: left, clientY: top } = event;
  stage.classList.toggle("panning", !dividing);
  const move = (moved) => {
    if (moved.pointerId !== event.pointerId) return;
    const box = stage.getBoundingClientRect();
    if (dividing) change({ split: (moved.clientX - grip - box.left) / box.width });
    else pan(moved.clientX - left, moved.clientY - top);
    [left, top] = [moved.clientX, moved.clientY];
  };
  const end = () => {
    stage.removeEventListener("pointermove", move);
    stage.classList.remove("panning");
  };
  stage.addEventListener("pointermove", move);
  stage.addEventListener("lostpointercapture", end, { once: true });
});

let turned = 0; // touchpads send many small turns, which add up here
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  turned += event.deltaMode ? 100 * Math.sign(event.deltaY) : event.deltaY;
  if (Math.abs(turned) < 100) return;
  const box = stage.getBoundingClientRect();
  zoomBy(-Math.sign(turned), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  turned = 0;
}, { passive: false });

flickerButton.addEventListener("pointerdown", (event) => {
  flickerButton.setPointerCapture(event.pointerId);
  flicker(true);
});
flickerButton.addEventListener("lostpointercapture", () => flicker(false));
flickerButton.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch opens a menu
find("#swap").addEventListener("click", swap);
for (const button of zoomButtons) button.addEventListener("click", () => zoomTo(Number(button.dataset.zoom)));
find("tbody").addEventListener("change", ({ target }) => change({ [target.name]: Number(target.value) }));

// --- keys ---

const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const HELD = { " ": () => flicker(true), a: () => showAlone("a"), b: () => showAlone("b") };
const PRESSED = {
  "+": () => zoomBy(1), "=": () => zoomBy(1), "-": () => zoomBy(-1), 0: () => zoomTo(0),
  x: swap,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  const key = event.key.toLowerCase();
  const arrow = ARROWS[event.key];
  const native = target.matches("input") ? arrow || key === " " : key === " " && target.matches("button:not(#flicker)");
  if (native) return;
  if (target === divider && arrow) change({ split: state.split - (arrow[0] - arrow[1]) / 50 });
  else if (target === divider && key === "home") change({ split: 0 });
  else if (target === divider && key === "end") change({ split: 1 });
  else if (arrow && (target === stage || target === document.body)) pan(40 * arrow[0], 40 * arrow[1]);
  else if (key in PRESSED) PRESSED[key]();
  else if (key in HELD && !event.repeat) HELD[key]();
  else if (!(key in HELD)) return;
  event.preventDefault();
});
document.addEventListener("keyup", (event) => {
  if (event.key.toLowerCase() in HELD && alone) flicker(false);
});
window.addEventListener("blur", () => alone && flicker(false));

// --- the view in the address: a reload keeps it, and a link can show a detail ---

let remembering = 0;
function remember() {
  clearTimeout(remembering); // browsers limit the number of changes per second
  remembering = setTimeout(() => {
    const view = Object.entries(state).map(([key, value]) => [key, String(Math.round(value * 1e4) / 1e4)]);
    history.replaceState(null, "", `#${new URLSearchParams(view)}`);
  }, 300);
}

function recall() {
  const isRow = (value) => value in rows;
  const isShare = (value) => value >= 0 && value <= 1;
  const allowed = { a: isRow, b: isRow, split: isShare, zoom: (value) => LEVELS.includes(value), x: isShare, y: isShare };
  for (const [key, text] of new URLSearchParams(location.hash.slice(1))) {
    const value = Number(text);
    if (Object.hasOwn(allowed, key) && text !== "" && allowed[key](value)) state[key] = value;
  }
}

function start() {
  recall();
  new ResizeObserver(render).observe(stage);
  window.addEventListener("hashchange", () => { recall(); render(); });
}

Promise.allSettled(pictures.map((picture) => picture.decode())).then(start);
