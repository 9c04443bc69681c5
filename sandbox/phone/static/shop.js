// The Shopify side: place an order, and what merchant and carrier do with it.

import { attempt, get, gently, h, post } from "./http.js";
import { castMember, choose, clockTime, dayName, on, tell, world, zoneOf } from "./world.js";

const form = document.getElementById("order-form");
const list = document.getElementById("orders");
const buyerField = document.getElementById("order-buyer");
const productField = document.getElementById("order-product");
const sizeField = document.getElementById("order-size");
const colourField = document.getElementById("order-colour");

const STAGES = [
  ["placed", "Placed"],
  ["shipped", "Shipped"],
  ["out_for_delivery", "On its way"],
  ["delivered", "Delivered"],
];
const SCANNED = new Set(["in_transit", "label_printed", "confirmed", "carrier_picked_up"]);

function options(field, values) {
  field.replaceChildren(...values.map((value) => h("option", { value }, value)));
}

function showVariants() {
  const product = world.about.goods[productField.selectedIndex];
  options(sizeField, product.sizes);
  options(colourField, product.colours);
  sizeField.selectedIndex = Math.min(2, product.sizes.length - 1);
}

async function placeOrder() {
  const buyer = world.about.cast[buyerField.selectedIndex];
  await post("/shopify/_actions/place_order", {
    buyer: buyer.name,
    phone: buyer.phone,
    email: buyer.email,
    phone_on: buyer.phone ? ["shipping", "customer"] : [],
    address1: buyer.address1,
    city: buyer.city,
    state: buyer.state,
    zip_code: buyer.zip_code,
    items: [{ title: productField.value, variant_title: `${sizeField.value} / ${colourField.value}` }],
    care_consent: form.elements.consent.checked,
  });
  if (buyer.phone) choose(buyer.phone);
}

function stageOf(order) {
  const parcels = order.fulfillments.filter((one) => one.status === "success");
  if (!parcels.length) return "placed";
  const scans = parcels.map((one) => one.shipment_status);
  if (scans.every((one) => one === "delivered")) return "delivered";
  if (scans.some((one) => one === "out_for_delivery" || one === "delivered")) return "out_for_delivery";
  return "shipped";
}

function badge(order) {
  if (order.cancelled_at) return ["cancelled", "bad"];
  if (order.financial_status === "refunded") return ["refunded", "bad"];
  if (order.financial_status === "partially_refunded") return ["part refunded", "warn"];
  const parcel = order.fulfillments.at(-1)?.shipment_status;
  if (parcel && !SCANNED.has(parcel) && !["delivered", "out_for_delivery"].includes(parcel)) {
    return [parcel.replaceAll("_", " "), "warn"];
  }
  return null;
}

function track(stage) {
  const reached = STAGES.findIndex(([key]) => key === stage);
  return h("ol", { class: "track", "aria-label": `Stage: ${STAGES[reached][1]}` },
    ...STAGES.map(([, label], index) =>
      h("li", { class: index <= reached ? "reached" : "", "aria-hidden": "true" }, label)));
}

function doing(label, name, body, extra = {}) {
  return h("button", {
    type: "button",
    ...extra,
    onclick: (event) => attempt(event.target, async () => {
      await post(`/shopify/_actions/${name}`, body);
      if (body.status === "delivered") tell("step", { done: "deliver" });
    }),
  }, label);
}

function buttons(order, stage) {
  const id = { order_id: order.order_id };
  if (order.cancelled_at) return [];
  const parcels = order.fulfillments.filter((one) => one.status === "success");
  const made = [];
  if (stage === "placed") made.push(doing("Ship", "ship", id));
  if (stage === "shipped") made.push(doing("Out for delivery", "scan", { ...id, status: "out_for_delivery" }));
  if (stage !== "delivered") {
    made.push(doing("Carrier says delivered", "scan", { ...id, status: "delivered" }, { class: "primary deliver" }));
  }
  const more = [];
  if (stage === "shipped" || stage === "out_for_delivery") {
    more.push(doing("Delayed", "scan", { ...id, status: "delayed" }));
    more.push(doing("Delivery failed", "scan", { ...id, status: "attempted_delivery" }));
  }
  if (order.financial_status !== "refunded") more.push(doing("Refund", "refund", id));
  if (!parcels.length) more.push(doing("Cancel order", "cancel_order", id));
  if (stage === "delivered" && !order.returns.length) more.push(doing("Ask for a return", "request_return", id));
  if (more.length) made.push(h("details", {}, h("summary", {}, "More"), h("div", {}, ...more)));
  return made;
}

function orderCard(order) {
  const stage = stageOf(order);
  const line = order.lines[0];
  const mark = badge(order);
  const placed = new Date(order.created_at);
  const zone = zoneOf(order.phone);
  return h("li", { class: "card order", "data-order": order.name },
    h("div", { class: "order-top" },
      line.image ? h("img", { src: new URL(line.image).pathname, alt: "", width: 52, height: 62, loading: "lazy" }) : null,
      h("div", { class: "order-what" },
        h("strong", {}, `${order.name} · ${order.buyer}`),
        h("span", {}, [line.title, line.variant_title].filter(Boolean).join(", ")
          + (order.lines.length > 1 ? ` and ${order.lines.length - 1} more` : "")),
        h("span", { class: "faint" },
          `${dayName(placed, zone)}, ${clockTime(placed, zone)}`
          + (order.phone ? "" : " · no phone") + (order.care_consent ? "" : " · no consent"))),
      mark ? h("b", { class: `badge ${mark[1]}` }, mark[0]) : null),
    order.cancelled_at ? null : track(stage),
    h("div", { class: "order-do" }, ...buttons(order, stage)));
}

const refresh = gently(async () => {
  // A menu that is open under somebody's finger is not redrawn.
  if (list.querySelector("details[open]:focus-within")) return;
  try {
    const state = await get("/shopify/_actions/state?limit=25");
    document.getElementById("shop-name").textContent =
      state.shop.name + (state.shop.installed ? "" : " · app not installed yet");
    if (state.orders.length) tell("step", { done: "order" });
    if (state.orders.some((order) => stageOf(order) === "delivered")) tell("step", { done: "deliver" });
    list.replaceChildren(...(state.orders.length
      ? state.orders.map(orderCard)
      : [h("li", { class: "empty" }, "No orders yet. Place the first one above: it takes one click.")]));
  } catch { /* the next event tries again */ }
});

export function startShop() {
  buyerField.replaceChildren(...world.about.cast.map((one) =>
    h("option", { value: one.phone || one.name },
      `${one.name}, ${one.city} ${one.state}${one.phone ? "" : " (no phone)"}`)));
  options(productField, world.about.goods.map((one) => one.title));
  showVariants();
  productField.addEventListener("change", showVariants);
  buyerField.addEventListener("change", () => choose(castMember(buyerField.value)?.phone));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector(".primary");
    attempt(button, placeOrder);
  });
  on("shopify_order", refresh);
  on("shopify_webhook", refresh);
  on("resync", refresh);
  refresh();
}
