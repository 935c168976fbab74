// Elements. Text gets in as text alone: names come from the network.

export const find = (selector, root = document) => root.querySelector(selector);
export const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

// An element with attributes, and children that are elements or text. `on…` are listeners.
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
        else if (key === 'text') element.textContent = value;
        else if (key === 'class') element.className = value;
        else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
}

// Changes an element's text only if it is another, so that nothing is laid out for nothing.
export function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

export const isNarrow = () => innerWidth < 760;
export const isWide = () => innerWidth >= 2_000;

export function press(buttons, chosen) {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button === chosen));
}

// The place of a pointer within an element.
export function within(event, element) {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
}

// A line of text that follows the pointer in an element.
export class Tip {
    constructor(box) {
        this.box = box;
        this.line = make('div', { class: 'tip', hidden: '' });
        box.append(this.line);
    }

    show(x, y, text) {
        this.line.hidden = !text;
        if (!text) return;
        say(this.line, text);
        // Within the box, however long the text is.
        const half = this.line.offsetWidth / 2;
        const most = this.box.clientWidth - half;
        this.line.style.left = `${Math.max(half, Math.min(most, x))}px`;
        this.line.style.top = `${Math.max(24, y)}px`;
    }

    hide() {
        this.line.hidden = true;
    }
}
