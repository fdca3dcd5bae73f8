"use strict";
// The parts of the page come drawn, as markup. It is parsed into a document that runs and loads
// nothing, and put together anew from the names below, so that text can't become anything else.
// What is there already and did not change stays: focus, scrolling and what is chosen with it.
const ELEMENTS = new Set(
  ("caption dd desc div dl dt figcaption figure h1 h2 h3 input label li ol p path progress rect " +
   "section span svg table tbody td text th time title tr ul").split(" "));
const ATTRIBUTES = new Set(
  ("aria-hidden aria-label aria-labelledby checked class d data-failed data-kind data-tiles " +
   "data-value data-worker fill for height id max name preserveAspectRatio role scope tabindex " +
   "text-anchor type value viewBox width x y").split(" "));

const isWanted = node => node.nodeType === Node.TEXT_NODE ||
  (node.nodeType === Node.ELEMENT_NODE && ELEMENTS.has(node.localName));

function build(model) {
  if (model.nodeType === Node.TEXT_NODE) return document.createTextNode(model.data);
  const made = document.createElementNS(model.namespaceURI, model.localName);
  update(made, model);
  return made;
}

function update(shown, model) {
  for (const { name, value } of model.attributes)
    if (ATTRIBUTES.has(name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  for (const { name } of [...shown.attributes])
    if (!model.hasAttribute(name)) shown.removeAttribute(name);
  fill(shown, model);
}

function fill(shown, model) {
  const wanted = [...model.childNodes].filter(isWanted);
  wanted.forEach((child, index) => {
    const there = shown.childNodes[index];
    if (!there) shown.append(build(child));
    else if (there.nodeName !== child.nodeName || there.id !== child.id) there.replaceWith(build(child));
    else if (there.nodeType !== Node.TEXT_NODE) update(there, child);
    else if (there.data !== child.data) there.data = child.data;
  });
  while (shown.childNodes.length > wanted.length) shown.lastChild.remove();
}

const link = document.getElementById("link");
const parser = new DOMParser();
const stream = new EventSource("/events");
stream.onopen = () => { link.textContent = "live"; };
stream.onmessage = event => {
  for (const [name, markup] of Object.entries(JSON.parse(event.data)))
    fill(document.getElementById(`part-${name}`), parser.parseFromString(markup, "text/html").body);
};
stream.addEventListener("end", () => {
  stream.close();
  link.textContent = "This is over: the page stays as it is.";
});
stream.onerror = () => { link.textContent = "The connection is lost: this may be out of date."; };
