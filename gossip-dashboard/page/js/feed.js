// The stream of an agent: server-sent events over fetch, which tells why it fails and can carry a token. EventSource can
// do neither.

// Waits between attempts, in ms; the last one holds from then on.
export const WAITS = [500, 1_000, 2_000, 5_000, 10_000];
// A stream that says nothing for this long is lost: agents send a comment at least every 15 s.
export const SILENCE_MS = 40_000;
// The longest message that is put together; a snapshot's places are far shorter.
export const MAX_MESSAGE = 8_000_000;

// Puts server-sent events together from pieces of text; returns the data of those that are whole.
export class Messages {
    constructor() {
        this.rest = '';
        this.data = [];
    }

    take(text) {
        const found = [];
        this.rest += text;
        if (this.rest.length > MAX_MESSAGE) throw new Error('a message of the stream is too long');
        const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop();
        for (const line of lines) {
            if (line === '') {
                if (this.data.length) found.push(this.data.join('\n'));
                this.data = [];
            } else if (line.startsWith('data:')) {
                this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
            }
        }
        return found;
    }
}

// Why an answer is no stream.
export class Refused extends Error {
    constructor(status, words) {
        super(words);
        this.status = status;
    }
}

async function refusal(response) {
    const said = await response.json().catch(() => null);
    const words = typeof said?.error === 'string' ? said.error : `the agent answered ${response.status}`;
    return new Refused(response.status, words);
}

// Reads one stream to its end. `heard` is called with the data of each message.
async function read(url, token, heard, signal, alive) {
    const headers = { accept: 'text/event-stream', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(url, { headers, signal, cache: 'no-store' });
    if (!response.ok) throw await refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const messages = new Messages();
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        for (const data of messages.take(value)) heard(data);
    }
}

// Follows a stream for as long as the page is there. Each attempt begins with the agent's first line.
// `told` has `begins()`, `line(text)`, `lost(why, since, wait)` and `token()`, which asks for another one.
export class Feed {
    constructor(url, told, wait = (ms) => new Promise((done) => setTimeout(done, ms))) {
        this.url = url;
        this.told = told;
        this.wait = wait;
        this.token = '';
        this.tries = 0;
    }

    async follow() {
        let since = Date.now();
        for (;;) {
            let why = 'the agent ended the stream';
            let heard = false;
            const abort = new AbortController();
            let timer = 0;
            const alive = () => {
                clearTimeout(timer);
                timer = setTimeout(() => abort.abort(), SILENCE_MS);
            };
            alive();
            try {
                await read(this.url, this.token, (data) => {
                    if (!heard) this.told.begins();
                    heard = true;
                    this.tries = 0;
                    this.told.line(data);
                }, abort.signal, alive);
            } catch (error) {
                why = abort.signal.aborted ? `the agent has been silent for ${SILENCE_MS / 1_000} s` : this.words(error);
                if (error instanceof Refused && error.status === 401) this.token = await this.told.token(error.message);
            }
            clearTimeout(timer);
            if (heard) since = Date.now();
            const next = WAITS[Math.min(this.tries, WAITS.length - 1)];
            this.tries += 1;
            this.told.lost(why, since, next);
            await this.wait(next);
        }
    }

    words(error) {
        if (error instanceof Refused) return error.message;
        return error instanceof TypeError ? 'the agent cannot be reached' : error.message;
    }
}
