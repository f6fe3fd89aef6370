//! From a lease that was found to an OFFER, an ACK or a BOOTREPLY (section 5, in its order).

use super::Engine;
use super::client::{Client, REQUEST};
use super::lease_ref::{Fixed, LeaseRef};
use super::message;
use super::parameter::{self, dhcp};
use super::scope;
use super::work::{Answering, Current, Grant, Work};
use crate::clock::{NEVER, Now, Wall};
use crate::eval::machine::OnBlocks;
use crate::eval::options::{OptionState, Setting};
use crate::eval::value::Value;
use crate::lease::binding::{Billing, Binding, State};
use crate::lease::pool::PoolNumber;
use crate::lease::queue::BindingId;
use crate::option::definition::{AGENT, OptionId};
use crate::transition::{self, Keep};
use smallvec::SmallVec;

impl Engine {
    pub(super) fn grant(&mut self, now: Now, client: Client<'_>, grant: Grant) {
        let Some(place) = self.place(&client, &grant.lease) else { return };
        let current = self.current(&client, &grant.lease);
        if self.pings.is_pending(current.binding.address) {
            return;
        }
        let mut work = Work {
            client: &client,
            variables: scope::variables_of(&current.binding),
            options: self.take_options(),
            outcome: std::mem::take(&mut self.out.outcome),
            host: grant.host.or(current.fixed),
            grant,
            current,
            place,
        };
        self.work_out(now, &mut work);
        let Work { mut options, outcome, .. } = work;
        // Whoever takes them next finds them empty.
        options.clear();
        self.options = Some(options);
        // What transitions said meanwhile was said to the same list.
        self.out.outcome = outcome;
    }

    fn current(&self, client: &Client<'_>, lease: &LeaseRef) -> Current {
        match lease {
            LeaseRef::Fixed(fixed) => self.fixed_current(client, fixed),
            LeaseRef::Stored(id) => {
                Current { id: Some(*id), binding: self.store.get(*id).clone(), fixed: None }
            }
            LeaseRef::Fresh(address) => {
                Current { id: None, binding: Binding::never_used(*address), fixed: None }
            }
        }
    }

    /// A never-used address gets its binding only when it is really offered; one that is refused stays the next in turn.
    fn materialise(&mut self, current: &mut Current) -> Option<BindingId> {
        if current.id.is_none() && current.fixed.is_none() {
            current.id = self.store.materialise(current.binding.address);
        }
        current.id
    }

    fn fixed_current(&self, client: &Client<'_>, fixed: &Fixed) -> Current {
        let mut binding = Binding::never_used(fixed.address);
        binding.uid = fixed.uid.clone();
        if let Some(hardware) = &client.config.host(fixed.host).hardware {
            binding.hardware = SmallVec::from_slice(&hardware.0);
        }
        Current { id: None, binding, fixed: Some(fixed.host) }
    }

    /// Steps 2 to 14; what is left is the reply.
    fn work_out(&mut self, now: Now, work: &mut Work<'_, '_>) {
        return_agent_options(work);
        let (client, place) = (work.client, work.place);
        scope::run_place(&mut work.machine(self), client, place);
        self.release_others(work);
        if self.is_refused(work) {
            return;
        }
        if client.config.has_billing_classes && work.current.fixed.is_none() && !self.bill(work) {
            return;
        }
        let names = self.boot_names(work);
        let Some(times) = self.lease_times(work) else {
            let address = work.current.binding.address;
            let scope = client.config.subnet(place.subnet).scope;
            self.with_outcome(work, |engine| engine.nak(client, address, Some(scope)));
            return;
        };
        if self.must_find_name(work) {
            return self.park(work);
        }
        let mut proposed = self.proposed(work, &times);
        self.run_commit(work, &mut proposed);
        let mut times = times;
        let (mut same_client, mut sequence, mut written) = (false, 0, false);
        if work.current.fixed.is_some() {
            for _ in 0..work.variables.functions() {
                work.outcome.say(message::function_freed("dhcp.c(3249)"));
            }
        }
        if let Some(id) = self.materialise(&mut work.current) {
            let reused = self.is_reusable(work, id, &proposed, &mut times, &mut same_client);
            written = !reused && work.grant.offer != Answering::Offer;
            sequence = match reused {
                true => self.keep_lease(id, &proposed),
                false => self.supersede(work, id, proposed),
            };
        }
        self.answer(now, work, super::reply::Answer { names, times, same_client, sequence, written });
    }

    /// Lets a step that speaks through [`Engine::out`] do so in order.
    pub(super) fn with_outcome<R>(
        &mut self,
        work: &mut Work<'_, '_>,
        step: impl FnOnce(&mut Self) -> R,
    ) -> R {
        std::mem::swap(&mut self.out.outcome, &mut work.outcome);
        let result = step(self);
        std::mem::swap(&mut self.out.outcome, &mut work.outcome);
        result
    }

    /// Step 4: `one-lease-per-client`.
    fn release_others(&mut self, work: &mut Work<'_, '_>) {
        let client = work.client;
        if client.kind != REQUEST || !work.machine(self).is_on(parameter::ONE_LEASE_PER_CLIENT, false) {
            return;
        }
        let own = work.current.id;
        let (uid, hardware) = (work.current.binding.uid.clone(), work.current.binding.hardware.clone());
        if !uid.is_empty() {
            let others: Vec<BindingId> = self.store.by_uid(&uid).filter(|id| Some(*id) != own).collect();
            self.release_all(work, others);
        }
        let host_without_uid =
            work.host.is_some_and(|host| client.config.host(host).client_identifier.is_none());
        let duplicates = work.machine(self).flag(parameter::DUPLICATES);
        if uid.is_empty() || (host_without_uid && !scope::is_allowed(duplicates)) {
            let others: Vec<BindingId> =
                self.store.by_hardware(&hardware).filter(|id| Some(*id) != own).collect();
            self.release_all(work, others);
        }
    }

    fn release_all(&mut self, work: &mut Work<'_, '_>, others: Vec<BindingId>) {
        let client = work.client;
        for id in others {
            if matches!(self.store.get(id).state, State::Active | State::Abandoned) {
                self.with_outcome(work, |engine| engine.release_lease(id, client));
            }
        }
    }

    /// Steps 5 to 7: `min-secs`, the host's statements, who is not served.
    fn is_refused(&mut self, work: &mut Work<'_, '_>) -> bool {
        let (client, offer) = (work.client, work.grant.offer);
        if offer == Answering::Offer
            && let Some([least, ..]) = work.machine(self).option_value(parameter::MIN_SECS).as_deref()
            && client.packet.message.secs() < u16::from(*least)
        {
            let line = message::min_secs(&work.grant.text, *least, client.packet.message.secs());
            work.outcome.say(line);
            return true;
        }
        if work.host.is_none() {
            work.host = client
                .without_address(client.host_by_identifier())
                .or_else(|| client.without_address(client.host_by_hardware()))
                .or_else(|| client.without_address(client.host_by_option()));
        }
        if let Some(host) = work.host {
            let (scope, limit) = (client.config.host(host).scope, work.place.inner(client));
            scope::run(&mut work.machine(self), client, scope, Some(limit));
        }
        if work.host.is_none() {
            let flag = work.machine(self).flag(parameter::BOOT_UNKNOWN_CLIENTS);
            if work.refuse(flag, "unknown client") {
                return true;
            }
        }
        if offer == Answering::Bootp {
            let flag = work.machine(self).flag(parameter::ALLOW_BOOTP);
            if work.refuse(flag, "bootp disallowed") {
                return true;
            }
        }
        let flag = work.machine(self).flag(parameter::ALLOW_BOOTING);
        work.refuse(flag, "booting disallowed")
    }

    /// Step 8. False: every class that could be billed is full.
    fn bill(&mut self, work: &mut Work<'_, '_>) -> bool {
        let (client, config) = (work.client, work.client.config);
        let is_active = work.current.binding.state == State::Active;
        if let Some(id) = work.current.id
            && let Some(billing) = self.store.get(id).billing()
        {
            let stays = client.classes.borrow().iter().any(|member| member.billing(config) == *billing);
            if !stays {
                self.store.set_billing(id, None);
                if is_active {
                    self.cannot_reuse.insert(id);
                }
            }
        }
        let billed = work.current.id.is_some_and(|id| self.store.get(id).billing().is_some());
        if !billed {
            let mut last = None;
            let mut billed: Option<Billing> = None;
            for member in client.classes.borrow().iter().filter(|member| member.lease_limit(config) != 0) {
                let billing = member.billing(config);
                if self.store.billed(&billing) < member.lease_limit(config) {
                    billed = Some(billing);
                    break;
                }
                last = Some(member.class_name(config));
            }
            match (billed, last) {
                (None, Some(class)) => {
                    work.outcome.say(message::no_billing(&work.grant.text, &class));
                    return false;
                }
                (None, None) => {}
                (Some(billing), _) => {
                    if (work.grant.offer != Answering::Offer || is_active)
                        && let Some(id) = self.materialise(&mut work.current)
                    {
                        self.store.set_billing(id, Some(billing));
                        self.cannot_reuse.insert(id);
                    }
                }
            }
        }
        if let Some(id) = work.current.id {
            work.current.binding.set_billing(self.store.get(id).billing().cloned());
        }
        true
    }

    /// `filename` and `server-name`.
    fn boot_names(&mut self, work: &mut Work<'_, '_>) -> super::reply::Names {
        let mut machine = work.machine(self);
        super::reply::Names {
            file: machine.option_value(parameter::FILENAME).filter(|name| !name.is_empty()),
            server: machine.option_value(parameter::SERVER_NAME).filter(|name| !name.is_empty()),
        }
    }

    /// Steps 9 and 10: what the lease will be.
    fn proposed(&mut self, work: &mut Work<'_, '_>, times: &super::lease_time::Times) -> Binding {
        let client = work.client;
        let mut proposed = work.current.binding.clone();
        proposed.starts = client.now;
        proposed.cltt = client.now;
        proposed.ends = work.grant.when.unwrap_or(times.expiry);
        proposed.tstp = times.potential.unwrap_or(0);
        if times.potential.is_some() {
            proposed.ends = held_until(work, proposed.ends);
            proposed.tstp = proposed.tstp.max(told_until(work));
        }
        if proposed.tsfp() != 0 {
            // A peer that has not heard of less does not hinder it; what BOOTP gets is no peer's business.
            let pool = work.place.pool.map(|pool| PoolNumber(pool.0));
            proposed.rare_mut().tsfp =
                match (work.grant.offer, pool.and_then(|pool| self.failover.of_pool(pool))) {
                    (_, None) => 0,
                    (Answering::Ack, Some(peer)) => {
                        peer.known(work.current.id, &work.current.binding).min(proposed.tstp)
                    }
                    (_, Some(_)) if times.potential.is_none() => 0,
                    (_, Some(_)) => proposed.tsfp(),
                };
        }
        // A lease that BOOTP has had keeps the mark.
        proposed.bootp |= work.grant.offer == Answering::Bootp;
        proposed.reserved |= times.reserve;
        proposed.next_state = match work.grant.offer {
            Answering::Offer => work.current.binding.state,
            Answering::Ack | Answering::Bootp => State::Active,
        };
        proposed.uid.clear();
        let mut machine = work.machine(self);
        if !machine.is_on(parameter::IGNORE_CLIENT_UIDS, false)
            && let Some(uid) = &client.identifier
        {
            proposed.uid = SmallVec::from_slice(uid);
        }
        let stash = machine.is_on(parameter::STASH_AGENT_OPTIONS, true);
        proposed.hardware = client.hardware.clone();
        if let Some(class) = client.packet.option(OptionId::dhcp(dhcp::VENDOR_CLASS_IDENTIFIER))
            && !class.is_empty()
        {
            let name = "vendor-class-identifier".into();
            work.variables.set(&name, Some(Value::Data(class.into_arc())));
        }
        if stash && client.has_agent_options() {
            proposed.set_agent_options(&agent_octets(client, &work.options));
        }
        let name = client.packet.option(OptionId::dhcp(dhcp::HOST_NAME));
        let is_new = name.is_some() && name.as_deref() != work.current.binding.client_hostname();
        if let (true, Some(id)) = (is_new, work.current.id) {
            self.cannot_reuse.insert(id);
        }
        // Kept as a C string is: up to a NUL. A name with one inside is therefore new every time.
        let kept = name.as_deref().and_then(|name| name.split(|octet| *octet == 0).next());
        proposed.set_client_hostname(kept);
        if proposed.reserved && !work.current.binding.reserved {
            work.outcome.say(message::becomes_reserved());
            work.current.id.map(|id| self.cannot_reuse.insert(id));
        }
        proposed
    }

    /// Step 11, and the statements the lease keeps for later.
    fn run_commit(&mut self, work: &mut Work<'_, '_>, proposed: &mut Binding) {
        let on = std::mem::take(&mut work.outcome.on);
        let has_ended = work.current.binding.ends <= work.client.now;
        let old = proposed.rare();
        let mut blocks = match has_ended && work.grant.offer != Answering::Offer {
            true => OnBlocks::default(),
            false => OnBlocks {
                commit: old.on_commit.clone(),
                release: old.on_release.clone(),
                expiry: old.on_expiry.clone(),
            },
        };
        for (new, old) in [
            (on.commit, &mut blocks.commit),
            (on.release, &mut blocks.release),
            (on.expiry, &mut blocks.expiry),
        ] {
            // An empty one takes the older away.
            *old = new.or(old.take()).filter(|block| !block.is_empty());
        }
        if work.grant.offer != Answering::Offer
            && let Some(commit) = blocks.commit.take()
        {
            let kept = std::mem::replace(&mut work.current.binding, proposed.clone());
            let client = work.client;
            scope::run_block(&mut work.machine(self), client, &commit);
            work.current.binding = kept;
        }
        set_blocks(proposed, &blocks);
        // The lease has them even if it stays as it is.
        if let Some(id) = work.current.id {
            self.store.amend(id, |binding| set_blocks(binding, &blocks));
        }
        let variables = scope::kept(&work.variables);
        if !variables.is_empty() || !proposed.variables().is_empty() {
            proposed.extra_mut().variables = variables;
        }
        proposed.trim();
    }

    /// A lease given once more unchanged: variables are taken over in memory. Its host name is the same. Gives the record it stands in.
    fn keep_lease(&mut self, id: BindingId, proposed: &Binding) -> u64 {
        let variables = proposed.variables().to_vec();
        self.store.amend(id, |binding| {
            binding.cltt = proposed.cltt;
            if !variables.is_empty() || !binding.variables().is_empty() {
                binding.extra_mut().variables = variables;
            }
            binding.trim();
        });
        self.store.get(id).sequence
    }

    fn supersede(&mut self, work: &mut Work<'_, '_>, id: BindingId, proposed: Binding) -> u64 {
        let keep = if work.grant.offer == Answering::Offer { Keep::InMemory } else { Keep::RecordedQuietly };
        let client = work.client;
        self.with_outcome(work, |engine| {
            let (store, mut around) = engine.around(client);
            transition::supersede(store, id, proposed, keep, &mut around);
            store.get(id).sequence
        })
    }
}

/// When a lease that a peer shares is over. The client may never hear of a shorter time than it was promised before, so the
/// address is kept for it as long; and an offer changes nothing of a lease that lasts.
fn held_until(work: &Work<'_, '_>, ends: Wall) -> Wall {
    let held = &work.current.binding;
    match (work.grant.offer, held.state) {
        (Answering::Offer, State::Active) => held.ends,
        (Answering::Ack, State::Active) => ends.max(held.promised(work.client.now)),
        _ => ends,
    }
}

/// Until when the peer may count on a lease in use: it is not told of less, since until it has heard of that it grants the
/// address for MCLT longer than it knew, and partner-down waits for what is known here. As with [`Binding::promised`].
fn told_until(work: &Work<'_, '_>) -> Wall {
    let (held, now) = (&work.current.binding, work.client.now);
    let told = held.tstp.max(held.tsfp());
    match held.state == State::Active && work.grant.offer == Answering::Ack && told < NEVER - 1 {
        true => told.min(now.saturating_add((told - held.starts).max(0))),
        false => 0,
    }
}

fn set_blocks(binding: &mut Binding, blocks: &OnBlocks) {
    let OnBlocks { commit, release, expiry } = blocks.clone();
    let old = binding.rare();
    if [&commit, &release, &expiry, &old.on_commit, &old.on_release, &old.on_expiry]
        .iter()
        .any(|b| b.is_some())
    {
        let rare = binding.rare_mut();
        (rare.on_commit, rare.on_release, rare.on_expiry) = (commit, release, expiry);
        binding.trim();
    }
}

/// Relay agent sub-options as a lease keeps them: those that the reply returns unaltered. What a statement sets is not kept, and
/// neither is what it takes the place of (observed: the statement's value has no octets yet when ISC writes the lease).
fn agent_octets(client: &Client<'_>, options: &OptionState) -> Vec<u8> {
    let mut octets = Vec::new();
    for (code, value) in client.packet.agent_options() {
        let id = OptionId { space: AGENT, code: u32::from(code) };
        if options.get(id).is_some_and(|setting| !matches!(setting, Setting::Data(_))) {
            continue;
        }
        octets.extend([code, value.len().min(255) as u8]);
        octets.extend(value.iter().take(255));
    }
    octets
}

fn return_agent_options(work: &mut Work<'_, '_>) {
    debug_assert!(!work.options.uses(AGENT));
    super::options::return_agent_options(&mut work.options, work.client);
}
