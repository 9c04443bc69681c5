// Calls to the sandbox, and the small line that tells of failures.

const toast = document.getElementById("toast");
let hiding = 0;

export function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 5000);
}

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof FormData) {
    options.body = body;
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  const text = await response.text();
  let told = null;
  try { told = text ? JSON.parse(text) : null; } catch { /* an error page, not JSON */ }
  if (!response.ok) {
    const why = told && (told.error || told.description || told.message);
    throw new Error(typeof why === "string" ? why : `${method} ${path} answered ${response.status}`);
  }
  return told;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);

// Runs what a button asks for: locks it meanwhile, and says what went wrong.
export async function attempt(button, act) {
  if (button) button.disabled = true;
  try {
    return await act();
  } catch (error) {
    say(error.message);
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

// An element: h("button", { class: "x", onclick }, "text", child).
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// At most one run per moment, the last one always.
export function gently(act, milliseconds = 120) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
}
