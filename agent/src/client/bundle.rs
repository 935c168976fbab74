//! One archive with what a report of a fault needs.

use super::connection::Connection;
use crate::control::api::{Info, Member, Shared};
use anyhow::{Context as _, Result, bail};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::timeout;

/// Bytes of events at most, so that an agent that says much fills no disk.
const MAX_EVENTS: usize = 16 << 20;

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    pub(super) file: PathBuf,
    /// The files in it.
    pub(super) holds: Vec<String>,
}

/// Asks the agent for all that goes in, listens to it for a while, and writes the archive.
///
/// # Errors
/// The agent does not answer, or the archive cannot be written; then there is none.
pub(super) async fn write(
    file: Option<PathBuf>,
    agent: &mut Connection,
    mut events: Connection,
    (seconds, with_state): (u16, bool),
) -> Result<Written> {
    let now = SystemTime::now();
    let info: Info = agent.get("/v1/info").await?;
    let file = file.unwrap_or_else(|| default_name(&info.name, now));
    if file.exists() {
        bail!("{} is there already: give another file, or move it away", file.display());
    }
    let mut holds = vec![
        ("about.txt", about(now, seconds, with_state)),
        ("info.json", json(&info)?),
        ("members.json", json(&members(agent, with_state).await?)?),
        ("counters.json", json(&agent.get::<BTreeMap<String, u64>>("/v1/metrics").await?)?),
        ("metrics.txt", agent.text("/metrics").await?),
    ];
    if with_state {
        holds.push(("values.json", json(&agent.get::<Vec<Shared>>("/v1/values").await?)?));
    }
    let seconds = Duration::from_secs(seconds.into());
    holds.push(("events.ndjson", listen(&mut events, seconds, with_state).await?));
    // What has changed meanwhile shows in the difference.
    holds.push(("counters-after.json", json(&agent.get::<BTreeMap<String, u64>>("/v1/metrics").await?)?));
    archive(&file, &holds, now).inspect_err(|_| _ = fs::remove_file(&file))?;
    Ok(Written { file, holds: holds.into_iter().map(|(name, _)| name.to_owned()).collect() })
}

async fn members(agent: &mut Connection, with_state: bool) -> Result<Vec<Member>> {
    let mut members: Vec<Member> = agent.get("/v1/members").await?;
    if !with_state {
        members.iter_mut().for_each(|member| member.tags.clear());
    }
    Ok(members)
}

/// What happens in this time, a JSON object a line; without notes that have keys and values in them, unless those are wanted.
async fn listen(events: &mut Connection, time: Duration, with_state: bool) -> Result<String> {
    let mut heard = String::new();
    let hear = |object: &str| {
        let mut event: serde_json::Value = serde_json::from_str(object)?;
        let is_state =
            matches!(event["event"].as_str(), Some("state" | "value" | "value_conflict" | "user_event"));
        if is_state && !with_state {
            event["note"] = serde_json::Value::Null;
        }
        if heard.len() < MAX_EVENTS {
            heard += &format!("{event}\n");
        }
        Ok(())
    };
    match timeout(time, events.watch(hear)).await {
        // The time is up: as it should be.
        Err(_) => Ok(heard),
        Ok(ended) => ended.map(|()| heard),
    }
}

fn about(now: SystemTime, seconds: u16, with_state: bool) -> String {
    let state = if with_state { "with" } else { "without" };
    format!(
        "gossip {} on {} {}\nwritten at {}\nevents of {seconds} s, {state} what members publish\n",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH,
        humantime::format_rfc3339_seconds(now),
    )
}

fn default_name(name: &str, now: SystemTime) -> PathBuf {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(64).collect();
    let time = humantime::format_rfc3339_seconds(now).to_string().replace([':', '-'], "");
    format!("gossip-{plain}-{time}.tar.gz").into()
}

fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn archive(path: &Path, files: &[(&str, String)], now: SystemTime) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let file = File::create_new(path).with_context(cannot)?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let time = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        // What it holds is for its owner, until he gives it away.
        header.set_mode(0o600);
        header.set_mtime(time);
        archive
            .append_data(&mut header, Path::new("gossip").join(name), text.as_bytes())
            .with_context(cannot)?;
    }
    archive.into_inner().and_then(GzEncoder::finish).and_then(|mut file| file.flush()).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_named_after_its_agent_and_time() {
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!(default_name("db-1", time), Path::new("gossip-db-1-20010909T014640Z.tar.gz"));
        assert_eq!(default_name("../x y", time), Path::new("gossip-___x_y-20010909T014640Z.tar.gz"));
    }
}
