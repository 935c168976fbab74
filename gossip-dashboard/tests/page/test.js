// As much of a test framework as these tests need.

export const tests = [];

export function test(name, body) {
    tests.push([name, body]);
}

export function equal(found, wanted, of = '') {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) throw new Error(`${of} is ${a}, not ${b}`);
}

export function holds(condition, words) {
    if (!condition) throw new Error(words);
}

export function throws(body, words) {
    try {
        body();
    } catch (error) {
        holds(error.message.includes(words), `says '${error.message}', not '${words}'`);
        return;
    }
    throw new Error(`did not throw '${words}'`);
}
