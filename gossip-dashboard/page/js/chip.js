// A mark among text: a canvas of its own.

import { make } from './dom.js';
import { drawMark } from './ink.js';

export function chip(mark) {
    const canvas = make('canvas', { width: 24, height: 24, class: 'chip', 'aria-hidden': 'true' });
    const g = canvas.getContext('2d');
    g.scale(2, 2);
    drawMark(g, mark, 1, 1, 10);
    return canvas;
}
