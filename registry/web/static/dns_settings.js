"use strict";
(() => {
  const one = (selector) => document.querySelector(selector);
  const form = one("#register");
  const here = one("#here");

  // Offer only the regions that the chosen service has.
  const service = one("#service");
  const region = one("#service-region");
  if (service) {
    const all = [...region.options];
    const narrow = () => {
      const offered = service.selectedOptions[0].dataset.regions.split(" ");
      region.replaceChildren(...all.filter((o) => o.value === "off" || offered.includes(o.value)));
      region.selectedIndex = 0;
    };
    service.addEventListener("change", narrow);
    narrow();
  }

  // Ask for the address of the other family, at a host name that has only that family.
  let unregistered = form.dataset.registered !== "1";
  const look = async (family, host) => {
    const reply = await fetch(`${host}/sighting?ticket=${encodeURIComponent(here.dataset.ticket)}`, {
      credentials: "omit", signal: AbortSignal.timeout(4000),
    });
    if (!reply.ok) return;
    const { text, sighting, registered } = await reply.json();
    form.elements.seen.value = sighting;
    const row = here.querySelector(`[data-family="${family}"]`);
    const address = document.createElement("span");
    address.className = "address big";
    address.textContent = text;
    row.querySelector(".value").replaceChildren(address);
    const mark = row.querySelector(".mark");
    mark.className = registered ? "mark good" : "mark";
    mark.textContent = registered ? here.dataset.yes : here.dataset.no;
    unregistered ||= !registered;
  };
  const known = here.dataset.known.split(" ");
  const missing = Object.entries(JSON.parse(here.dataset.hosts)).filter(([family]) => !known.includes(family));
  Promise.allSettled(missing.map(([family, host]) => look(family, host))).then(() => {
    // At most once a minute: after a refusal, the next attempt would be refused, too.
    const lately = Date.now() - Number(sessionStorage.getItem("registered") || 0) < 60_000;
    if (form.dataset.automatic === "1" && unregistered && !lately) {
      sessionStorage.setItem("registered", String(Date.now()));
      form.requestSubmit();
    }
  });
})();
