//! `gossip identity`: nodes' own keys, and what vouches for them.

use crate::{
    UNWRITABLE,
    cli::identity::{EndArgs, IdentityCommand, ShowArgs, SignArgs},
    entropy,
    print::{self, quoted, with_sources},
    wrong::Wrong,
};
use adapter_tokio::{
    Certificate, ClusterName, IdentityFile, IdentityFileError, IdentityKey, Incarnation, NodeId, PublicKey,
    SigningKey, Trust,
};
use anyhow::{Context as _, Error, Result};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

const DAY_S: u64 = 86_400;

/// Carries out one command.
///
/// # Errors
/// What is given is wrong, or not trusted, which is [`Wrong`]; or a file cannot be written.
pub(crate) fn execute(command: IdentityCommand) -> Result<()> {
    match command {
        IdentityCommand::Init { file, authority, json } => init(&file, authority, json),
        IdentityCommand::Sign(args) => sign(&args),
        IdentityCommand::Show(args) => show(&args),
    }
}

/// What is said of a public key, and what vouches for it.
#[derive(Debug, Serialize)]
struct Report {
    public_key: String,
    /// The id that follows from the key.
    own_id: String,
    certificate: Option<ReportedCertificate>,
    /// Whether the key may speak for the node; null where that was not asked.
    trusted: Option<bool>,
    /// If not: why.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReportedCertificate {
    id: String,
    last_epoch: u32,
    /// The last epoch as a time.
    until: String,
}

/// What `sign --json` prints.
#[derive(Serialize)]
struct Signed {
    certificate: String,
    public_key: String,
    #[serde(flatten)]
    reported: ReportedCertificate,
}

impl ReportedCertificate {
    fn of(certificate: &Certificate) -> Self {
        let (id, last_epoch) = (certificate.id().to_string(), certificate.last_epoch());
        let until = UNIX_EPOCH + Duration::from_secs(last_epoch.into());
        Self { id, last_epoch, until: humantime::format_rfc3339_seconds(until).to_string() }
    }
}

impl Report {
    fn of(shown: &Shown) -> Self {
        Self {
            public_key: shown.key.to_string(),
            own_id: shown.key.own_id().to_string(),
            certificate: shown.certificate.as_ref().map(ReportedCertificate::of),
            trusted: None,
            error: None,
        }
    }

    fn print(&self, json: bool) -> Result<()> {
        if json {
            return print::print_json(self).context(UNWRITABLE);
        }
        let mut rows = vec![("public key", self.public_key.clone()), ("own id", self.own_id.clone())];
        if let Some(ReportedCertificate { id, last_epoch, until }) = &self.certificate {
            rows.push(("certified id", id.clone()));
            rows.push(("last epoch", format!("{last_epoch}, {until}")));
        }
        rows.extend(self.trusted.map(|trusted| ("trusted", if trusted { "yes" } else { "no" }.to_owned())));
        let print = |(name, value)| writeln!(io::stdout(), "{name:<12}  {value}");
        rows.into_iter().try_for_each(print).context(UNWRITABLE)
    }
}

fn init(path: &Path, is_authority: bool, json: bool) -> Result<()> {
    let secret = entropy::secret("gossip-identity-1-")?;
    let key = SigningKey::parse(&secret)?.public();
    let about = match is_authority {
        true => {
            "The signing key of an authority. Whoever has it can certify keys of nodes: keep it off the nodes."
        }
        false => "The signing key of a node, which alone is to have it.",
    };
    // It has its full length from the start: what grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(1 << 10));
    for part in ["# ", about, "\n# Its public key: ", &key.to_string(), "\n", &secret, "\n"] {
        text.push_str(part);
    }
    let made = IdentityFile::new(path).create(&text).map_err(refused)?;
    Report::of(&made.into()).print(json)
}

fn sign(args: &SignArgs) -> Result<()> {
    let authority = IdentityFile::new(&args.authority).load().map_err(refused)?.key;
    let cluster = ClusterName::named(&args.cluster)?;
    let last_epoch = last_epoch(&args.end)?;
    let id = node_id(args.node.name.as_deref(), args.node.id)?;
    let id = id.ok_or_else(|| Wrong("say which node it is for: --name or --id".to_owned()))?;
    let certificate = Certificate::issue(&authority, cluster, id, &args.key, last_epoch);
    if !args.json {
        return writeln!(io::stdout(), "{certificate}").context(UNWRITABLE);
    }
    let reported = ReportedCertificate::of(&certificate);
    let signed = Signed { certificate: certificate.to_string(), public_key: args.key.to_string(), reported };
    print::print_json(&signed).context(UNWRITABLE)
}

fn show(args: &ShowArgs) -> Result<()> {
    let shown = Shown::of(&args.shown)?;
    let mut report = Report::of(&shown);
    if let (Some(source), Some(cluster)) = (&args.trust, &args.cluster) {
        let keys = source.load().map_err(|error| wrong(&with_sources(&error)))?;
        let given = node_id(args.name.as_deref(), args.id)?;
        let certified = shown.certificate.map(|certificate| certificate.id());
        let id = match keys.trust() {
            Trust::Authority(_) => given.or(certified),
            Trust::Own => given.or(Some(shown.key.own_id())),
            Trust::Listed(_) => given,
        };
        let id = id.ok_or_else(|| wrong("say which node it is: --name or --id"))?;
        let vouched = keys.trust().vouch(
            ClusterName::named(cluster)?,
            id,
            &shown.key,
            now(),
            shown.certificate.as_ref(),
        );
        report.trusted = Some(vouched.is_ok());
        report.error = vouched.err().map(|error| error.to_string());
    }
    report.print(args.json)?;
    report.error.map_or(Ok(()), |error| Err(wrong(&error)))
}

/// What is shown of a key and its certificate.
struct Shown {
    key: PublicKey,
    certificate: Option<Certificate>,
}

impl From<IdentityKey> for Shown {
    fn from(own: IdentityKey) -> Self {
        Self { key: own.key.public(), certificate: own.certificate }
    }
}

impl Shown {
    /// What stands in a file, or, in place of its path, a public key or a certificate.
    fn of(path: &Path) -> Result<Self> {
        if let Some(public) = path.to_str().and_then(Self::of_public) {
            return public;
        }
        let text = public_text(path).unwrap_or_default();
        Self::of_public(&text)
            .unwrap_or_else(|| IdentityFile::new(path).load().map(Self::from).map_err(refused))
    }

    /// A public key or a certificate; `None` if it does not begin as one.
    fn of_public(text: &str) -> Option<Result<Self>> {
        let text = text.trim();
        let parsed = if text.starts_with("gossip-node-") {
            PublicKey::parse(text).map(|key| Self { key, certificate: None })
        } else if text.starts_with("gossip-certificate-") {
            Certificate::parse(text)
                .and_then(|certificate| Ok(Self { key: certificate.key()?, certificate: Some(certificate) }))
        } else {
            return None;
        };
        Some(parsed.map_err(|error| wrong(&error.to_string())))
    }
}

/// The text of a file that has one line, beside comments, if that is no secret.
fn public_text(path: &Path) -> Option<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(IdentityFile::MAX_BYTES));
    File::open(path).ok()?.take(IdentityFile::MAX_BYTES as u64).read_to_end(&mut bytes).ok()?;
    let lines = str::from_utf8(&bytes).ok()?.lines();
    let content = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut content = content.filter(|content| !content.is_empty());
    let is_public = |line: &str| line.starts_with("gossip-node-") || line.starts_with("gossip-certificate-");
    let only = content.next().filter(|line| is_public(line) && content.next().is_none());
    only.map(str::to_owned)
}

fn node_id(name: Option<&str>, id: Option<NodeId>) -> Result<Option<NodeId>> {
    Ok(name.map(NodeId::from_name).transpose()?.or(id))
}

/// The last epoch of a certificate that is issued now.
fn last_epoch(end: &EndArgs) -> Result<u32> {
    let Some(days) = end.valid_days else {
        return end.last_epoch.ok_or_else(|| wrong("say how long it is good: --valid-days or --last-epoch"));
    };
    let left = u64::from(Incarnation::MAX_EPOCH.saturating_sub(now()));
    let seconds = u32::try_from(u64::from(days) * DAY_S).ok().filter(|seconds| u64::from(*seconds) <= left);
    let last = seconds.and_then(|seconds| now().checked_add(seconds));
    last.ok_or_else(|| wrong(&format!("{days} days are more than epochs have: {} at the most", left / DAY_S)))
}

/// The epoch of a node that begins now, if the clock makes it.
fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(Incarnation::MAX_EPOCH)
}

fn wrong(said: &str) -> Error {
    Wrong(quoted(said).into_owned()).into()
}

/// What is said of a file that cannot be used. All but what the system does not let happen is [`Wrong`].
fn refused(error: IdentityFileError) -> Error {
    match error {
        IdentityFileError::Write { .. } => Error::new(error),
        error => wrong(&with_sources(&error)),
    }
}
