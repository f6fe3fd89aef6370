//! `zone` and `key`.

use super::Parser;

impl Parser<'_, '_> {
    /// What stands behind `key`. After an error, which has been reported and skipped, `false`.
    pub fn key(&mut self) -> bool {
        todo!()
    }
}
