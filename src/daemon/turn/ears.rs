//! What hears the journal: on its own thread answers are sent right behind the sync, and the loop's thread is woken.

use crate::daemon::streams::Answers;
use crate::journal::{Hearer, Report};
use std::sync::Arc;
use tokio::sync::Notify;

/// The loop's end of the journal.
#[derive(Clone, Default)]
pub struct Ears {
    pub(super) wake: Arc<Notify>,
    pub(super) answers: Answers,
}

impl Hearer for Ears {
    fn hear(&self, report: &Report) -> bool {
        match report {
            Report::Durable(sequence) => self.answers.durable(*sequence),
            Report::Failed(_) => {
                self.answers.failed();
                false
            }
            Report::RewriteDone(_) | Report::Say(_) => false,
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}
