//! Binding updates: what one says, and whether one of the peer's is taken (PROTOCOL section 4).

use super::log;
use super::message::{self, Kind, Message, Writer, code, reason};
use super::relationship::Relationship;
use super::state::{Role, State as Mine};
use super::vendor;
use crate::clock::Wall;
use crate::lease::binding::{Binding, State};
use crate::log::Line;
use smallvec::SmallVec;

/// ISC keeps so many octets of hardware type and address.
const LONGEST_CHADDR: usize = 21;
/// Seconds by which the two servers may disagree about the end of a lease.
const DISAGREEMENT: Wall = 65;

/// The same when both clocks have been compared.
const ONE_LEASE: Wall = 5;
/// By which two of our kind leave it at that: rounding, and what is not counted as a difference of the clocks.
const AGREED: Wall = 2;
/// Seconds within which two answers may be to the same request, or to what the client sent again.
const ONE_TRANSACTION: Wall = 10;

/// Writes the update that tells of a binding. One of our kind is told more.
pub fn write(out: &mut Vec<u8>, binding: &Binding, desired: State, to_our_kind: bool, time: u32, xid: u32) {
    let wire = |time: Wall| time.clamp(0, Wall::from(u32::MAX)) as u32;
    let mut writer = Writer::new(out, Kind::BindingUpdate, time, xid);
    writer.put(code::ASSIGNED_ADDRESS, &binding.address.octets());
    writer.put_octet(code::BINDING_STATUS, desired as u8);
    if !binding.uid.is_empty() {
        writer.put(code::CLIENT_IDENTIFIER, &binding.uid);
    }
    if !binding.hardware.is_empty() {
        writer.put(code::CHADDR, &binding.hardware);
    }
    writer.put_word(code::LEASE_EXPIRY, wire(binding.ends));
    writer.put_word(code::POTENTIAL_EXPIRY, wire(potential_expiry(binding, desired)));
    writer.put_word(code::STOS, wire(binding.starts));
    if binding.cltt != 0 {
        writer.put_word(code::CLTT, wire(binding.cltt));
    }
    let flags =
        if binding.reserved { message::RESERVED } else { 0 } | if binding.bootp { message::BOOTP } else { 0 };
    if flags != 0 {
        writer.put(code::IP_FLAGS, &flags.to_be_bytes());
    }
    if to_our_kind && desired == State::Active {
        writer.put_with(code::VENDOR_OPTIONS, |out| vendor::write(out, binding));
    }
    writer.finish();
}

/// Until when the peer is told that the address may be in use. What a client gave back is over at once.
pub fn potential_expiry(binding: &Binding, desired: State) -> Wall {
    if desired == State::Released { binding.tstp.min(binding.ends) } else { binding.tstp }
}

/// Why an update is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: u8,
    pub text: String,
}

/// What an update changes.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The binding as it will be, `next_state` included.
    pub proposed: Binding,
    /// The client that the address was last given to would be answered by the peer.
    pub to_backup: bool,
    /// The client was promised more than the peer says: it is to hear of that.
    pub lasts_longer: bool,
    pub line: Option<Line>,
}

impl Accepted {
    /// The peer says what was known.
    pub fn changes_nothing(&self, held: &Binding) -> bool {
        let next_state = held.next_state;
        self.proposed.next_state == held.state
            && !self.lasts_longer
            && self.line.is_none()
            && Binding { next_state, ..self.proposed.clone() } == *held
    }
}

/// A fault with the reason that ISC gives when it has none of its own.
fn refuse<T>(reason: u8, text: &str) -> Result<T, Refusal> {
    Err(Refusal { reason, text: text.into() })
}

/// Whether an update says that an address is free and was never anybody's.
pub fn is_never_used(update: &Message<'_>) -> bool {
    let times = [update.lease_expiry, update.potential_expiry, update.stos, update.cltt];
    update.binding_status == Some(State::Free as u8)
        && update.chaddr.is_none()
        && update.client_identifier.is_none()
        && update.ip_flags.unwrap_or(0) == 0
        && times.into_iter().all(|time| time.unwrap_or(0) == 0)
}

/// Whether our own update, which says `own`, matters more than the peer's of the same binding. Both servers of a pair must
/// come to opposite answers.
pub fn is_own_better(
    (role, is_our_kind): (Role, bool),
    own: State,
    own_cltt: Wall,
    theirs: Option<State>,
    their_cltt: Wall,
) -> bool {
    match (own, theirs) {
        (State::Active, Some(State::Active)) if their_cltt != own_cltt => their_cltt < own_cltt,
        (State::Active, Some(State::Active)) => role == Role::Primary,
        (State::Active, Some(State::Expired)) => false,
        // What the peer's news of an earlier transaction would make of it, the peer itself forgets when it hears ours. ISC
        // lets the primary's news win on one side and the active lease on the other, and both are wrong then.
        (State::Active, Some(_)) if their_cltt <= own_cltt || !is_our_kind => true,
        (State::Expired, Some(State::Active)) => false,
        (_, Some(State::Active)) if own_cltt <= their_cltt || !is_our_kind => false,
        _ => role == Role::Primary,
    }
}

/// Times of an update, in our clock.
fn corrected(time: Option<u32>, skew: i64) -> Option<Wall> {
    // 0 means never, and what ISC calls never stays so.
    let time = Wall::from(time?);
    let fixed = time == 0 || time >= crate::clock::NEVER - 1;
    Some(if fixed { time.min(crate::clock::NEVER) } else { (time - skew).max(1) })
}

/// Judges an update for a binding of this relationship. `skew`: how far the peer's clock is ahead of ours, seconds.
pub fn judge(
    relationship: &Relationship,
    held: &Binding,
    update: &Message<'_>,
    skew: i64,
    now: Wall,
) -> Result<Accepted, Refusal> {
    let Some(status) = update.binding_status.and_then(State::from_number) else {
        return refuse(reason::MISSING_BINDING_INFORMATION, "binding update lacks required options");
    };
    let mut proposed = held.clone();
    let client_changed = client(&mut proposed, update, status)?;
    if status == State::Active && client_changed {
        proposed.client_hostname = None;
        if let Some(extra) = &mut proposed.extra {
            extra.variables.clear();
        }
    }
    if let Some(time) = corrected(update.stos, skew) {
        proposed.starts = time;
    }
    let lease_expiry = corrected(update.lease_expiry, skew);
    if let Some(time) = lease_expiry {
        proposed.ends = time;
    }
    let is_same_lease = status == State::Active && held.state == State::Active && !client_changed;
    let mut lasts_longer = false;
    if is_same_lease {
        // The client took one of two answers, and nobody knows which; or it never heard of a shorter time.
        let is_one = is_one_transaction(held, update, skew);
        let promised = if is_one { held.ends } else { held.promised(now) };
        let agreed = if relationship.is_our_kind { AGREED } else { ONE_LEASE };
        lasts_longer = promised > proposed.ends + agreed;
        proposed.ends = proposed.ends.max(promised);
    }
    let potential = corrected(update.potential_expiry, skew);
    if let Some(time) = potential
        && (time != 0 || held.tsfp() != 0 || held.atsfp() != 0)
    {
        let is_echo = is_same_lease && is_echo(held, update, skew);
        let before = if is_echo { (held.tsfp(), held.atsfp()) } else { (0, 0) };
        let rare = proposed.rare_mut();
        (rare.tsfp, rare.atsfp) = (time.max(before.0), time.max(before.1));
    }
    if status == State::Abandoned && potential.unwrap_or(0) == 0 {
        // Nobody knows of a use any more.
        proposed.tstp = 0;
    }
    if let (State::Active, true, Some(list)) = (status, relationship.is_our_kind, update.vendor_options) {
        vendor::read(list, &mut proposed);
    }
    let line = flags(relationship.role, held, &mut proposed, update)?;
    if !is_allowed(relationship, held, status, (lease_expiry, potential.unwrap_or(0)), now) {
        return Err(Refusal {
            reason: reason::FATAL_CONFLICT,
            text: format!(
                "{}: invalid state transition: {} to {}",
                held.address,
                held.state.name(),
                status.name()
            ),
        });
    }
    let ended = matches!(status, State::Expired | State::Released | State::Reset);
    proposed.next_state = if ended { State::Free } else { status };
    if status == State::Expired && held.state == State::Active && held.ends > now {
        // Our own record says that the client has it a little longer: until then nobody gets it.
        proposed.ends = proposed.ends.max(held.ends);
    }
    let to_backup = ended
        && relationship.role == Role::Primary
        && !proposed.reserved
        && !proposed.bootp
        && proposed.ends <= now
        && relationship.peer_wants(&proposed);
    Ok(Accepted { proposed, to_backup, lasts_longer, line })
}

/// Whether both servers answered one and the same request of a client, as far as the times tell.
fn is_one_transaction(held: &Binding, update: &Message<'_>, skew: i64) -> bool {
    let theirs = corrected(update.cltt, skew).unwrap_or(Wall::MAX);
    held.state == State::Active && held.cltt != 0 && theirs <= held.cltt + ONE_TRANSACTION
}

/// Whether the peer only repeats what it was told of a lease that was granted here, with a potential expiry of its own from
/// before: what it knows does not become less by that.
fn is_echo(held: &Binding, update: &Message<'_>, skew: i64) -> bool {
    held.cltt != 0 && corrected(update.cltt, skew).unwrap_or(0) + ONE_TRANSACTION < held.cltt
}

/// Takes over who the client is; whether that is another one.
fn client(proposed: &mut Binding, update: &Message<'_>, status: State) -> Result<bool, Refusal> {
    let mut changed = false;
    match update.chaddr {
        Some(_) if status == State::Abandoned => {
            return refuse(reason::UNKNOWN, "BNDUPD to ABANDONED with a CHADDR");
        }
        Some(chaddr) if chaddr.len() > LONGEST_CHADDR => {
            return refuse(reason::UNKNOWN, "chaddr too long");
        }
        Some(chaddr) => {
            changed = proposed.hardware[..] != *chaddr;
            proposed.hardware = SmallVec::from_slice(chaddr);
        }
        None if matches!(status, State::Active | State::Expired | State::Released) => {
            return refuse(reason::MISSING_BINDING_INFORMATION, "BNDUPD without CHADDR");
        }
        None if status == State::Abandoned => {
            changed = true;
            proposed.hardware.clear();
            if let Some(extra) = &mut proposed.extra {
                extra.variables.clear();
            }
        }
        None => {}
    }
    match update.client_identifier {
        Some(_) if status == State::Abandoned => {
            return refuse(reason::UNKNOWN, "BNDUPD to ABANDONED with client-id");
        }
        Some(identifier) => {
            changed |= proposed.uid[..] != *identifier;
            proposed.uid = SmallVec::from_slice(identifier);
        }
        None if matches!(status, State::Reset | State::Free | State::Backup) => {}
        None if !proposed.uid.is_empty() => {
            changed = true;
            proposed.uid.clear();
        }
        None => {}
    }
    Ok(changed)
}

/// Takes over the flags; what is to be said of unknown ones.
fn flags(
    role: Role,
    held: &Binding,
    proposed: &mut Binding,
    update: &Message<'_>,
) -> Result<Option<Line>, Refusal> {
    let flags = update.ip_flags.unwrap_or(0);
    let is_ours = held.state == role.own_free();
    proposed.reserved = flags & message::RESERVED != 0;
    if proposed.reserved && is_ours && !held.reserved {
        return refuse(reason::NOT_RESERVED, "Address is not reserved.");
    }
    proposed.bootp = flags & message::BOOTP != 0;
    if proposed.bootp && is_ours && !held.bootp {
        return refuse(reason::UNKNOWN, "Address is not allocated to BOOTP.");
    }
    let unknown = flags & !(message::RESERVED | message::BOOTP) != 0;
    Ok(unknown.then(|| log::unknown_flags(flags)))
}

/// Whether the peer may move a binding from what we hold to what it says (PROTOCOL section 10).
fn is_allowed(
    relationship: &Relationship,
    held: &Binding,
    status: State,
    (lease_expiry, potential): (Option<Wall>, Wall),
    now: Wall,
) -> bool {
    use State::{Abandoned, Active, Backup, Expired, Free, Released, Reset};
    if status == held.state {
        return true;
    }
    // Outside normal a lease that is over may not have been moved on yet.
    let is_over = relationship.my != Mine::Normal && held.state == Active && held.ends <= now;
    // The peer may be a little early with a lease that both know, but not with one that was renewed here meanwhile: ISC
    // looks at the first alone.
    let is_same_lease = lease_expiry.is_none_or(|ends| held.ends - ONE_LEASE <= ends);
    let has_ended = held.ends <= now || (held.ends - DISAGREEMENT <= now && is_same_lease);
    if relationship.my != Mine::Normal {
        return match (held.state, status) {
            (Active, Free | Backup) => is_over,
            (Active, Expired) => has_ended,
            _ => true,
        };
    }
    match (held.state, status) {
        (Active, _) if relationship.role == Role::Primary => matches!(status, Released | Abandoned),
        (Active, Expired) => has_ended,
        (Active | Expired | Reset, Free | Backup) => potential <= now,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duels_of_section_4_4() {
        use State::*;
        let better = |role, own, theirs, cltt| is_own_better((role, false), own, 100, Some(theirs), cltt);
        for role in [Role::Primary, Role::Secondary] {
            assert!(better(role, Active, Active, 99));
            assert!(!better(role, Active, Active, 101));
            assert!(!better(role, Active, Expired, 0));
            assert!(!better(role, Free, Active, 0));
            assert_eq!(better(role, Active, Active, 100), role == Role::Primary);
            assert_eq!(better(role, Free, Free, 0), role == Role::Primary);
            // Here ISC's secondary gives way, while the primary takes the active lease.
            assert!(better(role, Active, Released, 100));
            assert!(better(role, Active, Released, 101));
        }
    }

    #[test]
    fn two_of_a_kind_agree_who_is_right() {
        use State::*;
        let other = |role| if role == Role::Primary { Role::Secondary } else { Role::Primary };
        for role in [Role::Primary, Role::Secondary] {
            for ended in [Free, Released, Abandoned, Backup, Reset, Expired] {
                for cltt in [0, 99, 100, 101] {
                    let active = is_own_better((role, true), Active, 100, Some(ended), cltt);
                    let left = is_own_better((other(role), true), ended, cltt, Some(Active), 100);
                    assert_eq!(
                        active,
                        ended == Expired && left || ended != Expired && !left,
                        "{ended:?} {cltt}"
                    );
                }
            }
        }
    }

    #[test]
    fn special_times_are_not_corrected() {
        assert_eq!(corrected(Some(0), 40), Some(0));
        assert_eq!(corrected(Some(0x7fff_ffff), 40), Some(0x7fff_ffff));
        assert_eq!(corrected(Some(u32::MAX), 40), Some(0x7fff_ffff));
        assert_eq!(corrected(Some(1000), 40), Some(960));
        assert_eq!(corrected(None, 40), None);
    }
}
