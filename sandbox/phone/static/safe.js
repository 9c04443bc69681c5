// HTML of ticket comments made harmless: known tags, no attributes but addresses of links and images.

const TAGS = new Set(["A", "B", "BLOCKQUOTE", "BR", "CODE", "DIV", "EM", "H1", "H2", "H3", "H4", "HR", "I",
  "IMG", "LI", "OL", "P", "PRE", "SPAN", "STRONG", "TABLE", "TBODY", "TD", "TH", "THEAD", "TR", "U", "UL"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "IFRAME", "OBJECT", "TEMPLATE", "SVG", "MATH"]);

function copy(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return null;
  const known = TAGS.has(node.tagName);
  const made = known ? document.createElement(node.tagName) : document.createDocumentFragment();
  if (known) {
    const name = node.tagName === "A" ? "href" : node.tagName === "IMG" ? "src" : "";
    const address = name && node.getAttribute(name);
    if (address && /^https?:\/\//i.test(address)) {
      made.setAttribute(name, address);
      if (name === "href") { made.target = "_blank"; made.rel = "noopener noreferrer"; }
      else made.alt = node.getAttribute("alt") || "";
    }
  }
  for (const child of node.childNodes) {
    const inner = copy(child);
    if (inner) made.append(inner);
  }
  return made;
}

export function safeHtml(html) {
  const parsed = new DOMParser().parseFromString(html || "", "text/html");
  const made = document.createDocumentFragment();
  for (const child of parsed.body.childNodes) {
    const inner = copy(child);
    if (inner) made.append(inner);
  }
  return made;
}
