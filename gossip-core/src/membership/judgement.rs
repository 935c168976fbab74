//! The judgement: what becomes of a suspect, and whether a silence may be this node's own fault.
//!
//! Two pure functions over evidence: no clock, no table, no memory. `suspicion` and `standing` gather the evidence and
//! act on the ruling. PROTOCOL.md section 8.5 has both tables, with the scenario that needs each row.

/// A reason to attribute silence to something other than the suspect: its zone is silent as a whole, or this node is
/// in trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Quarantine {
    None,
    /// There is one, and it has time left.
    Active,
    /// It has used up its time.
    Exhausted,
}

/// What this node knows of a suspect that did not refute in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Evidence {
    /// It asked for patience, or refuted lately, and is given more time.
    pub(crate) patience: bool,
    /// No member of its zone answers.
    pub(crate) zone: Quarantine,
    /// This node may be cut off, or with the smaller part.
    pub(crate) own: Quarantine,
    /// Since that quarantine was exhausted, relays that answer could not reach a silent member either, or none is
    /// left to ask; and none reached one, nor has a member that this node accused refuted.
    pub(crate) upheld: bool,
    /// A probe by this node failed after the suspect's time to refute was over, or while a now exhausted quarantine
    /// was active.
    pub(crate) checked: bool,
    /// How many members accuse it, this node included, and how many could.
    pub(crate) accusers: u32,
    pub(crate) voters: u32,
    /// Its death has been due for as long as a quarantine lasts, and others answer us.
    pub(crate) overdue: bool,
}

/// What becomes of the suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ruling {
    Dead,
    /// Probe it, then judge again; less and less often while too few accuse it.
    Check,
    /// Put its timer off.
    Wait(Reason),
}

/// Why a suspect's timer is put off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    Patience,
    SilentZone,
    OwnTrouble,
}

/// Accusers that a death takes, if there are as many voters.
pub(super) const MIN_ACCUSERS: u32 = 2;

/// The ruling: the first row that fits.
pub(crate) fn judge(evidence: &Evidence) -> Ruling {
    let Evidence { patience, zone, own, upheld, checked, accusers, voters, overdue } = *evidence;
    let our_word_is_enough = overdue || (own == Quarantine::Exhausted && upheld);
    let alone = accusers < MIN_ACCUSERS.min(voters) && !our_word_is_enough;
    match (zone, own) {
        _ if patience => Ruling::Wait(Reason::Patience),
        (Quarantine::Active, _) => Ruling::Wait(Reason::SilentZone),
        (Quarantine::None, Quarantine::Active) => Ruling::Wait(Reason::OwnTrouble),
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
    /// How many of the latest probes of members believed alive are kept, and how many of those failed.
    pub(crate) probed: u32,
    pub(crate) failed: u32,
    /// Live members that are neither suspect nor of a quarantined zone, this node included; and those that are
    /// suspect or died lately. Members that left count on neither side.
    pub(crate) kept: u32,
    pub(crate) lost: u32,
    /// The number of the lost rose a moment ago, and may go on rising.
    pub(crate) growing: bool,
}

/// Fewer members asked than this are no sample.
const MIN_ASKED: u32 = 3;

/// Whether so few of the members that a failed probe asked beside its target answered that this node is more likely at
/// fault than the target.
pub(crate) fn too_few_answered((asked, answered): (u32, u32)) -> bool {
    asked >= MIN_ASKED && answered * 2 < asked
}

/// Whether trouble of this node's own can explain what it sees: any row that fits.
pub(crate) fn in_trouble(signs: &Signs) -> bool {
    let Signs { asked, answered, probed, failed, kept, lost, growing } = *signs;
    let surprised = failed * 8 >= probed * 3 && failed >= 2;
    let smaller_part = lost > 1 && kept <= if growing { lost * 2 } else { lost };
    too_few_answered((asked, answered)) || surprised || smaller_part
}

#[cfg(test)]
mod tests;
