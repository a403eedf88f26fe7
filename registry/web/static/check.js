// For the browsers of TVs, too: nothing here is younger than 2012.
(function () {
  "use strict";
  var picture = document.getElementById("reached");
  if (!picture) return;
  var asked = 8, reached = 0, done = 0;

  function show(name) {
    var all = document.querySelectorAll("[data-result]");
    for (var i = 0; i < all.length; i++) all[i].hidden = all[i].getAttribute("data-result") !== name;
  }
  function label() {
    var text = "", letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (var i = 0; i < 16; i++) text += letters.charAt(Math.floor(Math.random() * letters.length));
    return text;
  }
  function finish(ok) {
    done += 1;
    if (ok) reached += 1;
    if (done < asked) return;
    show(reached === asked ? "yes" : reached === 0 ? "no" : "mixed");
  }
  function ask(source) {
    var image = new Image(), timer, over = false;
    function end(ok) {
      if (over) return;
      over = true;
      clearTimeout(timer);
      finish(ok);
    }
    image.onload = function () { end(true); };
    image.onerror = function () { end(false); };
    timer = setTimeout(function () { end(false); }, 8000);
    image.src = source;
  }

  show("asking");
  for (var i = 0; i < asked; i++) ask(picture.getAttribute("src").replace(/\/\/[^.]+\./, "//" + label() + "."));
}());
