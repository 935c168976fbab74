//! Who may do what over TCP: anybody on this machine may read, and whoever has the token may read and change.

use super::{failure::Failure, token::Token};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::{net::IpAddr, sync::Arc};

/// What is asked of a request before it is carried out.
#[derive(Clone, Debug)]
pub(super) struct Access {
    token: Option<Arc<Token>>,
    /// Whether whoever has no token may read.
    open: bool,
}

impl Access {
    /// Of a listener at this address. Only who is on the machine itself reads without the token.
    pub(super) fn at(address: IpAddr, token: Option<Token>) -> Self {
        Self { token: token.map(Arc::new), open: address.is_loopback() }
    }

    fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let shown = Shown::of(headers)?;
        let has_token = match (&self.token, &shown) {
            (_, None) => false,
            (None, Some(_)) => return Err(Refusal::NoToken),
            (Some(token), Some(shown)) if token.is(shown.text()) => true,
            (Some(_), Some(_)) => return Err(Refusal::WrongToken),
        };
        match shown {
            // A browser adds these by itself, to requests of other sites' pages, too.
            Some(Shown::Basic(_)) if !reads => Err(Refusal::NeedsBearer),
            _ if has_token => Ok(()),
            _ if !reads && self.token.is_none() => Err(Refusal::NoToken),
            _ if !reads || !self.open => Err(Refusal::NeedsToken),
            _ if !is_own_name(headers) => Err(Refusal::OtherHost),
            _ => Ok(()),
        }
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn guard(State(access): State<Access>, request: Request<Body>, next: Next) -> Response {
    match access.check(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.answer(),
    }
}

/// The token as a request shows it.
#[derive(Debug)]
enum Shown {
    Bearer(String),
    /// As the password; browsers ask their users for that.
    Basic(String),
}

impl Shown {
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        match (all.next(), all.next()) {
            // Whoever stands in between may have judged by another one.
            (Some(_), Some(_)) => Err(Refusal::SeveralTokens),
            (only, _) => Ok(only.and_then(Self::parse)),
        }
    }

    fn parse(value: &HeaderValue) -> Option<Self> {
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(rest.trim().to_owned()));
        }
        let decoded = BASE64_STANDARD.decode(rest.trim()).ok()?;
        let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| Self::Basic(password.to_owned()))
    }

    fn text(&self) -> &str {
        let (Self::Bearer(text) | Self::Basic(text)) = self;
        text
    }
}

/// Whether the request was meant for this machine: a page of another site, whose name was made to lead here, asks for that name.
fn is_own_name(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    // Of several, whoever stands in between may have judged by another one.
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some(v6) => v6,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        && (name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok())
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    SeveralTokens,
    NoToken,
    NeedsToken,
    WrongToken,
    NeedsBearer,
    OtherHost,
}

impl Refusal {
    fn answer(self) -> Response {
        let (status, error) = match self {
            Self::SeveralTokens => (
                StatusCode::BAD_REQUEST,
                "there is more than one header `Authorization`: give the token once",
            ),
            Self::NoToken => (
                StatusCode::FORBIDDEN,
                "this agent takes no changes over TCP: use its control socket, or start it with --token-file",
            ),
            Self::NeedsToken => (
                StatusCode::UNAUTHORIZED,
                "this needs the agent's token: give its file with --token-file, or the header `Authorization: Bearer TOKEN`",
            ),
            Self::WrongToken => (
                StatusCode::UNAUTHORIZED,
                "this is not the agent's token: give the file that it was started with",
            ),
            Self::NeedsBearer => (
                StatusCode::FORBIDDEN,
                "a password is enough to read only: for a change, give the header `Authorization: Bearer TOKEN`",
            ),
            Self::OtherHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "ask for the agent by its IP address or as localhost: other names need its token",
            ),
        };
        let mut answer = Failure::new(status, error).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let ask = HeaderValue::from_static("Basic realm=\"gossip: any user, the token as password\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(host: &str, authorization: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        headers
    }

    fn basic(password: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("anybody:{password}")))
    }

    #[test]
    fn every_kind_of_request_gets_what_its_listener_allows() {
        use Refusal::{NeedsBearer, NeedsToken, NoToken, OtherHost, WrongToken};
        let (near, far) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        let token = || Some(Token::of(TOKEN).unwrap());
        let bearer = format!("Bearer {TOKEN}");
        let (right, wrong) = (basic(TOKEN), basic("wrong"));
        let (bare, near_token, far_token) =
            (Access::at(near, None), Access::at(near, token()), Access::at(far, token()));
        let cases = [
            (&bare, Method::GET, "127.0.0.1:80", None, Ok(())),
            (&bare, Method::GET, "[::1]:80", None, Ok(())),
            (&bare, Method::GET, "localhost", None, Ok(())),
            (&bare, Method::GET, "evil.example", None, Err(OtherHost)),
            (&bare, Method::GET, "[::1]evil.example", None, Err(OtherHost)),
            (&bare, Method::GET, "127.0.0.1.evil.example:80", None, Err(OtherHost)),
            (&bare, Method::GET, "127.0.0.1:80@evil.example", None, Err(OtherHost)),
            (&bare, Method::GET, "", None, Err(OtherHost)),
            (&bare, Method::PUT, "127.0.0.1", None, Err(NoToken)),
            (&bare, Method::PUT, "127.0.0.1", Some(bearer.as_str()), Err(NoToken)),
            (&near_token, Method::GET, "127.0.0.1", None, Ok(())),
            (&near_token, Method::GET, "evil.example", None, Err(OtherHost)),
            (&near_token, Method::GET, "agent.example", Some(&bearer), Ok(())),
            (&near_token, Method::PUT, "127.0.0.1", None, Err(NeedsToken)),
            (&near_token, Method::PUT, "127.0.0.1", Some(&bearer), Ok(())),
            (&near_token, Method::PUT, "127.0.0.1", Some("Bearer wrong"), Err(WrongToken)),
            (&near_token, Method::PUT, "127.0.0.1", Some(&right), Err(NeedsBearer)),
            (&far_token, Method::GET, "10.0.0.1", None, Err(NeedsToken)),
            (&far_token, Method::GET, "10.0.0.1", Some(&bearer), Ok(())),
            (&far_token, Method::GET, "10.0.0.1", Some(&right), Ok(())),
            (&far_token, Method::GET, "10.0.0.1", Some(&wrong), Err(WrongToken)),
            (&far_token, Method::GET, "10.0.0.1", Some("Digest x"), Err(NeedsToken)),
            (&far_token, Method::DELETE, "10.0.0.1", Some(&right), Err(NeedsBearer)),
        ];
        for (access, method, host, authorization, allowed) in cases {
            let found = access.check(&method, &headers(host, authorization));
            assert_eq!(found, allowed, "{access:?} {method} {host} {authorization:?}");
        }
    }

    #[test]
    fn a_request_with_several_tokens_is_refused_whichever_comes_first() {
        let token = Some(Token::of(TOKEN).unwrap());
        let (bearer, wrong) = (format!("Bearer {TOKEN}"), "Bearer wrong".to_owned());
        for (first, second) in [(&bearer, &wrong), (&wrong, &bearer), (&bearer, &bearer)] {
            let mut headers = headers("127.0.0.1", Some(first));
            headers.append(header::AUTHORIZATION, second.parse().unwrap());
            let access = Access::at(IpAddr::from([127, 0, 0, 1]), token.clone());
            for method in [Method::GET, Method::PUT] {
                assert_eq!(access.check(&method, &headers), Err(Refusal::SeveralTokens), "{method} {first}");
            }
        }
        assert_eq!(Refusal::SeveralTokens.answer().status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_request_that_names_several_hosts_is_meant_for_none() {
        let mut headers = headers("127.0.0.1", None);
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        let access = Access::at(IpAddr::from([127, 0, 0, 1]), None);
        assert_eq!(access.check(&Method::GET, &headers), Err(Refusal::OtherHost));
    }
}
