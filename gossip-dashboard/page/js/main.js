// What the page begins with: the recording within it, an agent's stream, or a file that a reader opens.

import { App } from './app.js';
import { find } from './dom.js';
import { Live } from './live.js';
import { Wrong, parseFile } from './parse.js';
import { Recording } from './recording.js';

// The largest file that is read, in bytes; recordings are far smaller.
const MAX_FILE = 200_000_000;

const app = new App();

function refuse(name, why) {
    find('#wrongwhat').textContent = `${name} cannot be shown`;
    find('#wrongwhy').textContent = why;
    find('#wrong').showModal();
}

function open(name, text) {
    const started = performance.now();
    try {
        app.show(Recording.ofFile(parseFile(text)));
        performance.measure('drawn', { start: started });
    } catch (error) {
        // Anything else is a mistake of this page, and belongs on the console.
        if (!(error instanceof Wrong)) throw error;
        refuse(name, error.message);
    }
}

async function read(file) {
    if (file.size > MAX_FILE) {
        refuse(file.name, `it is larger than ${MAX_FILE / 1e6} MB`);
        return;
    }
    try {
        const packed = file.name.endsWith('.gz');
        const stream = packed ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
        open(file.name, await new Response(stream).text());
    } catch (error) {
        refuse(file.name, `it cannot be read: ${error.message}`);
    }
}

function listen() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.onchange = () => app.setTheme(dark.matches ? 'dark' : 'light');
    app.setTheme(dark.matches ? 'dark' : 'light');
    find('#theme').onclick = () => app.flipTheme();
    find('#help').onclick = () => find('#keys').showModal();
    find('#open').onclick = () => find('#file').click();
    find('#file').onchange = (event) => {
        const [file] = event.target.files;
        event.target.value = '';
        if (file) read(file);
    };
    addEventListener('dragover', (event) => event.preventDefault());
    addEventListener('drop', (event) => {
        event.preventDefault();
        const [file] = event.dataTransfer.files;
        if (file) read(file);
    });
}

function begin() {
    listen();
    const data = find('#data');
    if (data) {
        open('This recording', data.textContent);
    } else if (location.protocol.startsWith('http')) {
        find('#emptywhat').textContent = 'Connecting to the agent';
        find('#emptywhy').textContent = 'Its members appear in a moment.';
        app.live = new Live(app);
        app.live.follow();
    }
}

begin();
