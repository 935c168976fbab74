import { Feed, MAX_MESSAGE, Messages, WAITS } from '../../page/js/feed.js';
import { equal, test, throws } from './test.js';

test('messages are whole however the text comes in', () => {
    const text = ': hello\n\ndata: one\n\nid: 4\ndata:two\ndata: three\n\nevent: x\n\ndata: four\r\n\r\ndata: fi';
    const whole = new Messages();
    equal(whole.take(text), ['one', 'two\nthree', 'four']);
    equal(whole.take('ve\n\n'), ['five']);
    for (let size = 1; size < 9; size += 1) {
        const parts = new Messages();
        const found = [];
        for (let i = 0; i < text.length; i += size) found.push(...parts.take(text.slice(i, i + size)));
        equal(found, ['one', 'two\nthree', 'four'], `pieces of ${size}`);
    }
});

test('a message without an end is not put together forever', () => {
    const messages = new Messages();
    throws(() => messages.take('x'.repeat(MAX_MESSAGE + 1)), 'too long');
});

test('attempts are further apart each time, up to a bound', async () => {
    const lost = [];
    const stop = new Error('enough');
    const told = { begins() {}, line() {}, lost: (why, since, wait) => lost.push([why, wait]) };
    const wait = async () => {
        if (lost.length > WAITS.length) throw stop;
    };
    const real = globalThis.fetch;
    globalThis.fetch = async () => new Response('', { status: 404 });
    try {
        await new Feed('/v1/feed', told, wait).follow().catch((error) => equal(error === stop, true, error.message));
    } finally {
        globalThis.fetch = real;
    }
    equal(lost.map(([, ms]) => ms), [...WAITS, WAITS.at(-1)]);
    equal(lost[0][0], 'the agent answered 404');
});
