//! A connection to an agent: finds its socket, sends requests, reads answers.

use super::target::Target;
use crate::control::{api::Problem, socket, token::Token};
use anyhow::{Context as _, Result, anyhow, bail};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    os::unix::net,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How long an answer may take: longer than the agent itself allows.
const LIMIT: Duration = Duration::from_secs(15);
/// Bytes of an answer: those of 65,536 members with all their state are fewer.
const MAX_ANSWER: usize = 256 << 20;
/// Bytes of one line of a stream.
const MAX_LINE: usize = 64 * 1_024;

/// Why a stream is over.
const ENDED: &str = "the agent has ended, or what it says was read too slowly: watch again once it runs";

/// A connection to one agent.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What the agent is called there.
    host: String,
    token: Option<Token>,
}

impl Connection {
    /// Connects to this agent, or to the only one that there is. The token is shown over TCP.
    ///
    /// # Errors
    /// There is none, or there are several, or it cannot be reached.
    pub(super) async fn open(target: Option<&Target>, token: Option<Token>) -> Result<Self> {
        let (requests, host) = match target {
            Some(Target::Http(host)) => (open_tcp(host).await?, host.clone()),
            Some(Target::Socket(path)) => (open_socket(path).await?, "localhost".to_owned()),
            None => (open_socket(&only_socket(&socket::directory())?).await?, "localhost".to_owned()),
        };
        Ok(Self { requests, host, token })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// What the agent says is wrong, or that it does not answer.
    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        let answer = self.request(Method::GET, path, Bytes::new()).await?;
        let bytes = whole(answer).await?;
        serde_json::from_slice(&bytes)
            .context("the agent is of another version: it answers what this program does not know")
    }

    /// Asks for a text.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(super) async fn text(&mut self, path: &str) -> Result<String> {
        let answer = self.request(Method::GET, path, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&whole(answer).await?).into_owned())
    }

    /// Tells something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(super) async fn send(&mut self, method: Method, path: &str, body: &impl Serialize) -> Result<()> {
        let answer = self.request(method, path, serde_json::to_vec(body)?.into()).await?;
        whole(answer).await.map(drop)
    }

    /// Hands on what the agent says, an object of JSON at a time, until one of the two ends.
    ///
    /// # Errors
    /// The agent cannot be asked, or this reads too slowly.
    pub(super) async fn watch(&mut self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut answer = self.request(Method::GET, "/v1/watch", Bytes::new()).await?;
        let mut unread = Vec::new();
        while let Some(frame) = answer.body_mut().frame().await {
            let frame = frame.map_err(|_| anyhow!(ENDED))?;
            unread.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(object) = line.strip_prefix("data: ") {
                    each(object.trim_end())?;
                }
            }
            if unread.len() > MAX_LINE {
                bail!("a line of the agent has more than {MAX_LINE} bytes");
            }
        }
        bail!(ENDED)
    }

    async fn request(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.bearer());
        }
        let request = request.body(Full::new(body))?;
        let answer = timeout(LIMIT, self.requests.send_request(request));
        let answer =
            answer.await.map_err(|_| anyhow!("the agent has not answered for {} s", LIMIT.as_secs()))?;
        let answer = answer.context("the agent has gone away without an answer")?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        match serde_json::from_slice::<Problem>(&whole(answer).await?) {
            Ok(problem) => bail!("{}", problem.error),
            Err(_) => bail!("the agent refuses: {status}"),
        }
    }
}

async fn open_socket(path: &Path) -> Result<SendRequest<Full<Bytes>>> {
    let stream = UnixStream::connect(path).await.map_err(|error| unreachable(path, &error))?;
    handshake(stream).await
}

async fn open_tcp(host: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = timeout(LIMIT, TcpStream::connect(host))
        .await
        .map_err(|_| anyhow!("nobody at http://{host} has answered for {} s", LIMIT.as_secs()))?;
    let stream = stream.map_err(|error| {
        anyhow!(
            "cannot reach an agent at http://{host}: {error} (does `gossip run` listen there, by --http?)"
        )
    })?;
    handshake(stream).await
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>> {
    let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // A connection that breaks is told by the request under way.
    tokio::spawn(async move { _ = connection.await });
    Ok(requests)
}

async fn whole(answer: Response<Incoming>) -> Result<Bytes> {
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect();
    let body = timeout(LIMIT, body)
        .await
        .map_err(|_| anyhow!("the agent's answer takes longer than {} s", LIMIT.as_secs()))?;
    body.map(|body| body.to_bytes()).map_err(|error| anyhow!("the agent's answer is cut off: {error}"))
}

fn unreachable(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow!("there is no agent at {path}: is `gossip run` running, with this --control?")
        }
        io::ErrorKind::ConnectionRefused => {
            anyhow!("the agent at {path} has ended without its goodbye: start it again")
        }
        io::ErrorKind::PermissionDenied => {
            anyhow!("the agent at {path} is another user's: run this as the user that it runs as")
        }
        _ => anyhow!("cannot reach the agent at {path}: {error}"),
    }
}

/// The socket of the only agent in a directory.
fn only_socket(directory: &Path) -> Result<PathBuf> {
    let is_live = |path: &PathBuf| match net::UnixStream::connect(path) {
        Ok(_) => true,
        // It is there, and says so itself when it is asked.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    };
    let entries =
        fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut live: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "sock")).filter(is_live).collect();
    live.sort();
    match live.as_slice() {
        [path] => Ok(path.clone()),
        [] => bail!(
            "no agent of this user runs on this machine (there is none in {}): start one with `gossip run`, or say where it is \
             with --control",
            directory.display()
        ),
        several => {
            let paths: Vec<String> =
                several.iter().map(|path| format!("\n  --control {}", path.display())).collect();
            bail!("several agents run on this machine: say which one is meant with{}", paths.concat())
        }
    }
}

/// A part of a path, or of a query, with all but letters, digits and `-_.~` escaped (RFC 3986, section 2.3).
pub(super) fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_visible_characters_is_one_part_of_a_path() {
        assert_eq!(escaped("role"), "role");
        assert_eq!(escaped("a/b?c=d&e %#ä"), "a%2Fb%3Fc%3Dd%26e%20%25%23%C3%A4");
    }

    #[test]
    fn without_an_agent_or_with_several_one_is_told_what_to_do() {
        let directory = std::env::temp_dir().join(format!("gossip-only-{}", std::process::id()));
        let error = only_socket(&directory).unwrap_err().to_string();
        assert!(error.contains("start one with `gossip run`"), "{error}");
        fs::create_dir_all(&directory).unwrap();
        let stale = net::UnixListener::bind(directory.join("gone.sock")).unwrap();
        drop(stale);
        let _a = net::UnixListener::bind(directory.join("a.sock")).unwrap();
        assert_eq!(only_socket(&directory).unwrap(), directory.join("a.sock"));
        let _b = net::UnixListener::bind(directory.join("b.sock")).unwrap();
        let error = only_socket(&directory).unwrap_err().to_string();
        assert!(
            error.contains("a.sock") && error.contains("b.sock") && !error.contains("gone.sock"),
            "{error}"
        );
        fs::remove_dir_all(&directory).unwrap();
    }
}
