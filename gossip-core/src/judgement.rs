//! The judgement: what becomes of a suspect, and whether a silence may be this node's own fault.
//!
//! Two pure functions over evidence: no clock, no table, nothing remembered. `suspicion` and `standing` gather the
//! evidence and do what the ruling says. PROTOCOL.md has both tables, with the scenario that needs each row.

/// A reason to think that a silence is not the suspect's own: its zone is silent as a whole, or the trouble is ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doubt {
    /// There is none.
    None,
    /// There is, and it has time left.
    Open,
    /// It has had all its time.
    Spent,
}

/// What this node knows of a suspect whose time to refute is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Evidence {
    /// It asked for patience, or refuted lately, and is given more time.
    pub(crate) patience: bool,
    /// Nobody in its zone answers.
    pub(crate) zone: Doubt,
    /// This node may be cut off, or with the smaller part.
    pub(crate) own: Doubt,
    /// Since that doubt was spent, somebody whom this node accused has refuted.
    pub(crate) refuted: bool,
    /// A probe of our own failed after its time was over, or in a doubt that is spent.
    pub(crate) checked: bool,
    /// How many members accuse it, this node included, and how many could.
    pub(crate) accusers: u32,
    pub(crate) voters: u32,
    /// Its death has been due for as long as a doubt lasts, while others answered us.
    pub(crate) overdue: bool,
}

/// What becomes of the suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ruling {
    Dead,
    /// Probe it, then judge again; ever more rarely while nobody joins in.
    Check,
    /// Its time stands still.
    Wait(Reason),
}

/// Why a suspect's time stands still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    Patience,
    SilentZone,
    OwnTrouble,
}

/// Accusers that a death takes, where there are as many voters.
const MIN_ACCUSERS: u32 = 2;

/// The ruling: the first row that fits.
pub(crate) fn judge(evidence: &Evidence) -> Ruling {
    let Evidence { patience, zone, own, refuted, checked, accusers, voters, overdue } = *evidence;
    let own_word_is_enough = overdue || (own == Doubt::Spent && !refuted);
    let alone = accusers < MIN_ACCUSERS.min(voters) && !own_word_is_enough;
    match (zone, own) {
        _ if patience => Ruling::Wait(Reason::Patience),
        (Doubt::Open, _) => Ruling::Wait(Reason::SilentZone),
        (Doubt::None, Doubt::Open) => Ruling::Wait(Reason::OwnTrouble),
        _ if !checked || alone => Ruling::Check,
        _ => Ruling::Dead,
    }
}

/// What a probe that has just ended says of this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Signs {
    /// Members beside its target that the probe asked, if it failed, and how many of them answered.
    pub(crate) asked: u32,
    pub(crate) answered: u32,
    /// Of the latest probes of members that were believed alive: how many there were, and how many failed.
    pub(crate) probed: u32,
    pub(crate) failed: u32,
    /// Members that this node has, itself included, and those that are suspect or were lost lately. Silent zones and those
    /// who left count on neither side.
    pub(crate) kept: u32,
    pub(crate) lost: u32,
    /// The lost have become more a moment ago: who knows how many there will be.
    pub(crate) growing: bool,
}

/// Fewer than this that were asked are no sample.
const MIN_ASKED: u32 = 3;

/// Whether so few of those that a failing probe asked beside its target answered that the fault is rather this node's.
pub(crate) fn is_few((asked, answered): (u32, u32)) -> bool {
    asked >= MIN_ASKED && answered * 2 < asked
}

/// Whether what this node sees can be explained by its own trouble: any row that fits.
pub(crate) fn in_trouble(signs: &Signs) -> bool {
    let Signs { asked, answered, probed, failed, kept, lost, growing } = *signs;
    let surprised = failed * 8 >= probed * 3 && failed >= 2;
    let smaller_part = lost > 1 && kept <= if growing { lost * 2 } else { lost };
    is_few((asked, answered)) || surprised || smaller_part
}

#[cfg(test)]
mod tests;
