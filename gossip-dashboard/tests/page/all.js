// Runs every test of the modules, and leaves what came of them in `window.results`.

import { tests } from './test.js';
import './accusations.test.js';
import './feed.test.js';
import './format.test.js';
import './layout.test.js';
import './parse.test.js';
import './recording.test.js';
import './timeline.test.js';
import './words.test.js';

const results = [];
for (const [name, body] of tests) {
    try {
        await body();
        results.push({ name, error: null });
    } catch (error) {
        results.push({ name, error: `${error.message}\n${error.stack}` });
    }
}
window.results = results;
