// A campaign's page works without this file; it keeps the numbers fresh: every two seconds while they can change.
(() => {
    "use strict";

    const EVERY = 2000;
    const WHEN_LOST = 10000;

    // Makes `old` look like `fresh` and changes nothing else: who is about to press a button, has opened the table or
    // reads with a screen reader keeps their place.
    const morph = (old, fresh) => {
        if (old.isEqualNode(fresh)) return;
        if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
            old.replaceWith(fresh);
            return;
        }
        if (old.nodeType !== Node.ELEMENT_NODE) {
            old.data = fresh.data;
            return;
        }
        for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
        for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
        const [was, is] = [[...old.childNodes], [...fresh.childNodes]];
        is.forEach((child, place) => (place < was.length ? morph(was[place], child) : old.append(child)));
        was.slice(is.length).forEach((child) => child.remove());
    };

    const live = (place) => {
        const status = document.querySelector("[data-campaign-status]");
        const lost = document.querySelector("[data-campaign-lost]");
        const part = (root) => root.querySelector("[data-campaign-part=progress]");
        const again = async () => {
            let wait = EVERY;
            if (!document.hidden) {
                try {
                    const answer = await fetch(place.dataset.campaignLive, { headers: { "X-Requested-With": "fetch" } });
                    if (answer.redirected || answer.status === 403) return; // signed out
                    if (!answer.ok) throw new Error(String(answer.status));
                    const fresh = document.createElement("template");
                    fresh.innerHTML = await answer.text();
                    const { campaignState, campaignHeard, campaignOver } = part(fresh.content).dataset;
                    if (campaignState !== part(document).dataset.campaignState) {
                        location.reload(); // other buttons belong to another state
                        return;
                    }
                    fresh.content.querySelectorAll("[data-campaign-part]").forEach((each) => {
                        morph(document.querySelector(`[data-campaign-part=${each.dataset.campaignPart}]`), each);
                    });
                    if (status.textContent !== campaignHeard) status.textContent = campaignHeard;
                    lost.hidden = true;
                    if (campaignOver !== undefined) return;
                } catch {
                    lost.hidden = false;
                    wait = WHEN_LOST;
                }
            }
            setTimeout(again, wait);
        };
        status.textContent = part(document).dataset.campaignHeard;
        if (part(document).dataset.campaignOver === undefined) setTimeout(again, EVERY);
    };

    document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-campaign-live]").forEach(live));
})();
