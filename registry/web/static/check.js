// This also runs in the browsers of TVs, so it uses no JavaScript newer than 2012.
(function () {
  "use strict";
  var root = document.getElementById("steps");
  if (!root) return;
  var ASKED = 8, WAIT_MS = 8000;

  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }
  function word(name) { return root.getAttribute("data-" + name); }
  function random() {
    var text = "", letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (var i = 0; i < 10; i++) text += letters.charAt(Math.floor(Math.random() * letters.length));
    return text;
  }
  // Loads a picture from the origin with this label; calls `then` with whether it was found.
  function probe(origin, label, then) {
    var image = new Image(), timer, over = false;
    function end(found) {
      if (over) return;
      over = true;
      clearTimeout(timer);
      then(found);
    }
    image.onload = function () { end(true); };
    image.onerror = function () { end(false); };
    timer = setTimeout(function () { end(false); }, WAIT_MS);
    image.src = origin.replace("*", label) + "/static/reached.svg";
  }
  function mark(step, kind, text) {
    var element = step.querySelector(".mark");
    element.className = "mark " + kind;
    element.textContent = text;
    element.hidden = false;
  }
  function conclude(cause, details) {
    all("[data-cause]").forEach(function (each) {
      each.hidden = each.getAttribute("data-cause") !== cause;
    });
    all("[data-say]").forEach(function (each) {
      each.textContent = details ? details[each.getAttribute("data-say")] : "";
    });
  }

  function askOften(then) {
    var reached = 0, done = 0;
    function count(found) {
      done += 1;
      if (found) reached += 1;
      if (done === ASKED) then(reached);
    }
    for (var i = 0; i < ASKED; i++) probe(word("page"), random(), count);
  }
  function isIn(service, region, then) {
    probe(word("page"), "in-" + region + "-" + random() + "-" + service, then);
  }
  // Finds the region of a service: the expected one, otherwise any other; null if there is none.
  function findRegion(service, expected, candidates, then) {
    function lookElsewhere() {
      var left = candidates.length, found = null;
      candidates.forEach(function (region) {
        isIn(service, region, function (yes) {
          if (yes) found = region;
          if (--left === 0) then(found);
        });
      });
    }
    if (!expected) { lookElsewhere(); return; }
    isIn(service, expected, function (yes) { if (yes) then(expected); else lookElsewhere(); });
  }

  var device = root.querySelector("[data-step=device]");
  var regions = all("[data-step=region]");
  var relay = root.querySelector("[data-step=relay]");
  var relayed = null;

  function checkRegion(index) {
    if (index === regions.length) { checkRelay(); return; }
    var step = regions[index], names = JSON.parse(step.getAttribute("data-regions"));
    var service = step.getAttribute("data-service"), expected = step.getAttribute("data-region");
    findRegion(service, expected, Object.keys(names).concat("off"), function (region) {
      var name = region === "off" ? word("off") : names[region] || word("elsewhere");
      if (region !== "off" && !relayed) relayed = service;
      if (!expected || region === expected) {
        mark(step, expected || region !== "off" ? "good" : "none", expected ? word("yes") : name);
        checkRegion(index + 1);
        return;
      }
      mark(step, "bad", name);
      conclude("region", { title: step.getAttribute("data-title"), got: name });
      skip(regions.slice(index + 1).concat(relay || []));
    });
  }
  function checkRelay() {
    if (!relay || !relayed) {
      if (relay) mark(relay, "none", word("unchecked"));
      conclude("none");
      return;
    }
    function ask(then) { probe(word("relay"), "relay-" + random() + "-" + relayed, then); }
    function settle(found) {
      mark(relay, found ? "good" : "bad", found ? word("yes") : word("no"));
      conclude(found ? "none" : "relay");
    }
    ask(function (found) { if (found) settle(true); else ask(settle); });
  }
  function skip(steps) { steps.forEach(function (step) { mark(step, "none", word("unchecked")); }); }

  all(".ask").forEach(function (link) { link.parentNode.removeChild(link); });
  [device].concat(regions, relay || []).forEach(function (step) { mark(step, "none", word("checking")); });
  askOften(function (reached) {
    if (reached === ASKED) {
      mark(device, "good", word("yes"));
      checkRegion(0);
      return;
    }
    mark(device, "bad", word(reached ? "sometimes" : "no"));
    if (reached) conclude("leak");
    else if (word("vpn") === "1") conclude("vpn");
    else conclude(word("registered") === "0" ? "address" : "other");
    skip(regions.concat(relay || []));
  });
}());
