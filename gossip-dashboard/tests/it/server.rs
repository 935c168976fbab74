//! An agent as far as the page knows one: the page, its modules, and a stream that the test writes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What the server answers with; a test changes it at any time.
#[derive(Default)]
pub(crate) struct Stage {
    /// The lines of the stream. Each stream begins with the first.
    pub(crate) lines: Vec<String>,
    /// Counted up to end all streams.
    pub(crate) cut: u32,
    /// An answer instead of a stream: its status and body.
    pub(crate) refusal: Option<(u16, &'static str)>,
    /// The token that a stream takes.
    pub(crate) token: Option<&'static str>,
    /// Bodies by path.
    pub(crate) answers: BTreeMap<&'static str, String>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stage: Arc<Mutex<Stage>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (address, stage) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Stage::default())));
        let shared = Arc::clone(&stage);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, stage }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn tell(&self, lines: impl IntoIterator<Item = String>) {
        self.stage.lock().unwrap().lines.extend(lines);
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Stage)) {
        change(&mut self.stage.lock().unwrap());
    }
}

fn serve(mut stream: TcpStream, stage: &Mutex<Stage>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        head.push(line.trim().to_ascii_lowercase());
        line.clear();
    }
    let path = head.first().and_then(|first| first.split(' ').nth(1)).unwrap_or_default().to_owned();
    if path == "/v1/feed" {
        feed(stream, stage, &head);
        return;
    }
    let known = stage.lock().unwrap().answers.get(path.as_str()).cloned();
    let (status, kind, body) = match (path.as_str(), known) {
        (_, Some(body)) => (200, "application/json", body),
        ("/", _) => (200, "text/html; charset=utf-8", gossip_dashboard::page().to_owned()),
        ("/modules", _) => (
            200,
            "text/html",
            "<!doctype html><script type=module src=/tests/page/all.js></script>".to_owned(),
        ),
        ("/favicon.ico", _) => (200, "image/x-icon", String::new()),
        _ => file(&path).map_or((404, "text/plain", String::new()), |text| (200, "text/javascript", text)),
    };
    let policy = if path == "/" { gossip_dashboard::policy() } else { "default-src 'self'" };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\
         content-security-policy: {policy}\r\n\r\n{body}"
    );
}

/// Modules and their tests, from the sources.
fn file(path: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = (path.starts_with("/page/js/") || path.starts_with("/tests/page/")) && !path.contains("..");
    known.then(|| fs::read_to_string(folder.join(path.trim_start_matches('/'))).ok()).flatten()
}

fn feed(mut stream: TcpStream, stage: &Mutex<Stage>, head: &[String]) {
    let (cut, refusal) = {
        let stage = stage.lock().unwrap();
        let wants = stage.token.map(|token| format!("authorization: bearer {token}"));
        let refused = wants.is_some_and(|wanted| !head.contains(&wanted));
        let unknown = (401, r#"{"error":"this address wants a token"}"#);
        (stage.cut, if refused { Some(unknown) } else { stage.refusal })
    };
    if let Some((status, body)) = refusal {
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        return;
    }
    let opened = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let mut told = 0;
    let mut open = stream.write_all(opened).is_ok();
    while open {
        let fresh: Vec<String> = {
            let stage = stage.lock().unwrap();
            open = stage.cut == cut;
            stage.lines.get(told..).unwrap_or_default().to_vec()
        };
        told += fresh.len();
        let messages: String = fresh.iter().map(|line| format!("data: {line}\n\n")).collect();
        open &= stream.write_all(messages.as_bytes()).is_ok() && stream.flush().is_ok();
        thread::sleep(Duration::from_millis(10));
    }
}
