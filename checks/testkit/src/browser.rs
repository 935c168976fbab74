//! Chromium, driven over the pipe of its debugging protocol: messages of JSON, each ended by a zero byte.
//!
//! The pipe needs neither a port nor a WebSocket, and ends with the test. A library for the whole protocol would take
//! longer to build than all tests that use this.
//!
//! Where Chromium is not installed, [`Browser::start`] says SKIPPED on standard error and returns `None`; with
//! `REQUIRE_CHROMIUM` in the environment it panics instead.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test whose browser fails has failed")]

use serde_json::{Value, json};
use std::{
    cell::RefCell,
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the browser may take for anything before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const PROGRAMS: [&str; 2] = ["chromium", "chromium-browser"];
/// How long the browser has to end by itself, so that nothing of it writes to its profile any more.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// A browser of its own for each test; ends with it.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    pipe: RefCell<Pipe>,
    /// Dropped, and so removed, after the browser has ended.
    _profile: TempDir,
}

#[derive(Debug)]
struct Pipe {
    input: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    /// What came while an answer was waited for.
    events: Vec<Value>,
}

fn installed() -> Option<&'static str> {
    let path = env::var_os("PATH")?;
    PROGRAMS.into_iter().find(|program| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

impl Browser {
    /// Starts one; `None`, with a word on standard error, where none is installed.
    ///
    /// # Panics
    /// It does not start, or none is installed and `REQUIRE_CHROMIUM` is set.
    pub fn start() -> Option<Self> {
        let Some(program) = installed() else {
            assert!(
                env::var_os("REQUIRE_CHROMIUM").is_none(),
                "chromium is required and not installed: apt-get install chromium"
            );
            // Not captured, so that it is seen among tests that pass.
            let _ = writeln!(
                io::stderr(),
                "SKIPPED: chromium is not installed (Debian: apt-get install chromium)"
            );
            return None;
        };
        let profile = TempDir::with_prefix("gossip-browser-").unwrap();
        // The protocol is spoken on descriptors 3 and 4, which the shell makes of its own.
        let script = format!("exec {program} \"$@\" 3<&0 4>&1 >/dev/null 2>/dev/null </dev/null");
        let mut child = Command::new("sh")
            .args(["-c", &script, program])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok_and(|length| length > 0) {
                bytes.pop();
                let Ok(message) = serde_json::from_slice(&bytes) else { break };
                if sender.send(message).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        let pipe = RefCell::new(Pipe { input, messages, last: 0, events: Vec::new() });
        Some(Self { child, pipe, _profile: profile })
    }

    fn call(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        let mut pipe = self.pipe.borrow_mut();
        pipe.last += 1;
        let id = pipe.last;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        pipe.input.write_all(message.to_string().as_bytes()).unwrap();
        pipe.input.write_all(&[0]).unwrap();
        pipe.input.flush().unwrap();
        loop {
            let message = pipe.messages.recv_timeout(PATIENCE).expect("the browser does not answer");
            if message["id"] != id {
                pipe.events.push(message);
                continue;
            }
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            return message["result"].clone();
        }
    }

    /// A page of 1600 by 1300 pixels in the light theme.
    pub fn open(&self, url: &str) -> Page<'_> {
        let page = self.blank();
        page.go(url);
        page
    }

    /// An empty page, of the same size and theme.
    pub fn blank(&self) -> Page<'_> {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session =
            self.call(None, "Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        let page = Page { browser: self, session };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({}));
        }
        page.size(1_600, 1_300);
        page.media("light", false);
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = b"{\"id\":0,\"method\":\"Browser.close\"}\0";
        let pipe = self.pipe.get_mut();
        let _ = pipe.input.write_all(close).and_then(|()| pipe.input.flush());
        let asked = Instant::now();
        while asked.elapsed() < LAST_WRITES && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page in the browser.
#[derive(Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    session: String,
}

impl Page<'_> {
    fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// Goes to an address, and waits until it is loaded.
    pub fn go(&self, url: &str) {
        let gone = self.call("Page.navigate", json!({ "url": url }));
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.until(&format!("location.href.startsWith({}) && document.readyState == 'complete'", json!(url)));
    }

    /// Sets width and height of the window, in pixels.
    pub fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Sets what the reader prefers: `light` or `dark`, and whether things stand still.
    pub fn media(&self, scheme: &str, still: bool) {
        let motion = if still { "reduce" } else { "no-preference" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// The value of an expression, which may be a promise.
    ///
    /// # Panics
    /// The expression throws.
    pub fn eval(&self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The text of the first element that a selector finds.
    ///
    /// # Panics
    /// It finds none.
    pub fn text(&self, selector: &str) -> String {
        let found = self.eval(&format!("document.querySelector({})?.textContent", json!(selector)));
        found.as_str().unwrap_or_else(|| panic!("{selector} is not there")).to_owned()
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// It is not within a minute.
    pub fn until(&self, expression: &str) {
        let started = Instant::now();
        while self.eval(&format!("Boolean({expression})")) != true {
            assert!(started.elapsed() < PATIENCE, "never true: {expression}; {:?}", self.complaints());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key, as a keyboard does.
    pub fn key(&self, key: &str) {
        let mut down = json!({ "type": "keyDown", "key": key });
        if key.chars().count() == 1 {
            down["text"] = json!(key);
        } else if key == "Enter" {
            down["text"] = json!("\r");
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }));
    }

    /// Types text into the field that has the focus.
    pub fn write(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses what a selector finds, at its middle.
    pub fn click(&self, selector: &str) {
        let middle = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{ block: 'center' }}); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()",
            json!(selector)
        );
        let at = self.eval(&middle);
        for kind in ["mousePressed", "mouseReleased"] {
            let press = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", press);
        }
    }

    /// Everything that the page has complained of so far: exceptions, errors and what its policy forbids.
    pub fn complaints(&self) -> Vec<String> {
        self.eval("0");
        let pipe = self.browser.pipe.borrow();
        let mine = pipe.events.iter().filter(|event| event["sessionId"] == self.session.as_str());
        let bad = mine.filter(|event| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        });
        bad.map(|event| event["params"].to_string()).collect()
    }

    /// What is seen of the page from top to bottom, as a PNG in base64.
    pub fn picture(&self) -> String {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        self.call("Page.captureScreenshot", whole)["data"].as_str().unwrap_or_default().to_owned()
    }
}
