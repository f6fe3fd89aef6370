//! What the issue on speed says must hold, each line with what was measured. What was not measured in this run says so.

use super::measure::{Figures, Measured};
use super::overload::Point;
use super::server::Server;
use super::size::Size;
use super::start::{Delays, Load, Started};
use std::fmt::Write as _;

/// Everything that a run measured.
#[derive(Default)]
pub struct Facts {
    pub results: Vec<Measured>,
    pub sizes: Vec<(Size, Figures)>,
    pub starts: Vec<(String, Load, Started)>,
    /// Beside a rewrite, and without one.
    pub rewrite: Option<(Delays, Delays)>,
    /// Of ours: the peak, then what was completed of so many times as much.
    pub overload: Vec<(f64, Point)>,
}

enum Bound {
    Least(f64),
    Most(f64),
}

struct Check {
    what: String,
    bound: Bound,
    unit: &'static str,
    measured: Option<f64>,
}

impl Check {
    fn row(&self) -> String {
        let (word, bound) = match self.bound {
            Bound::Least(bound) => ("at least", bound),
            Bound::Most(bound) => ("at most", bound),
        };
        let verdict = match (self.measured, &self.bound) {
            (None, _) => "",
            (Some(measured), Bound::Least(bound)) if measured >= *bound => "holds",
            (Some(measured), Bound::Most(bound)) if measured <= *bound => "holds",
            _ => "FAILS",
        };
        let bound = if bound.is_nan() { "?".into() } else { format!("{bound:.2}") };
        let measured = self.measured.map_or("not measured".into(), |measured| format!("{measured:.2}"));
        format!("| {} | {word} {bound} {} | {measured} | {verdict} |\n", self.what, self.unit)
    }
}

/// The table, and how many do not hold.
pub fn table(facts: &Facts) -> (String, usize) {
    let mut checks = Vec::new();
    facts.rates(&mut checks);
    facts.latencies(&mut checks);
    facts.starts(&mut checks);
    facts.under_stress(&mut checks);
    let mut text =
        String::from("\n## What must hold\n\n| figure | required | measured | |\n|---|---|---|---|\n");
    checks.iter().for_each(|check| text += &check.row());
    let failed = text.matches("| FAILS |").count();
    let _ = writeln!(text, "\n{failed} of {} do not hold.", checks.len());
    (text, failed)
}

const SMALL: u32 = 4_096;

impl Facts {
    fn of(&self, server: &str, pool: u32) -> Option<&Measured> {
        self.results.iter().find(|result| result.server == server && result.pool == pool)
    }

    fn ours(&self) -> Option<&Measured> {
        self.of(&Server::ours().name(), SMALL)
    }

    fn isc(&self) -> Option<&Measured> {
        self.of(&Server::isc().name(), SMALL)
    }

    /// The best of Kea, whatever its threads and pool.
    fn kea(&self, rate: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        let kea = self.results.iter().filter(|result| result.server.starts_with("Kea"));
        kea.filter_map(rate).max_by(f64::total_cmp)
    }

    fn rates(&self, checks: &mut Vec<Check>) {
        let four_way = |result: &Measured| result.four_way.rate;
        let renewal = |result: &Measured| result.renewal.as_ref().map(|figures| figures.rate);
        let ratio = |own: Option<f64>, other: Option<f64>| Some(own? / other?.max(1e-9));
        let own = self.ours().map(four_way);
        let mut least = |what: &str, bound, measured| {
            let (what, unit) = (what.to_string(), "times");
            checks.push(Check { what, bound: Bound::Least(bound), unit, measured });
        };
        least("four-way exchanges, of ISC's", 12.0, ratio(own, self.isc().map(four_way)));
        let kea = self.kea(|result| Some(result.four_way.rate));
        least("four-way exchanges, of Kea's best", 1.5, ratio(own, kea));
        let renewals = self.ours().and_then(renewal);
        least("renewals, of ISC's", 12.0, ratio(renewals, self.isc().and_then(renewal)));
        least("renewals, of Kea's best", 1.0, ratio(renewals, self.kea(renewal)));
        let small = self.size(Size::Small).map(|figures| figures.rate);
        for size in [Size::Large, Size::NearlyFull] {
            let what = format!("four-way exchanges, pool of {}, of those at 4096", size.name());
            least(&what, 0.9, ratio(self.size(size).map(|figures| figures.rate), small));
        }
        let mut most = |what: String, measured| {
            checks.push(Check { what, bound: Bound::Most(20.0), unit: "us", measured });
        };
        most("CPU of an exchange".into(), self.ours().map(|result| result.four_way.cpu_microseconds));
        for (size, figures) in &self.sizes {
            most(format!("CPU of an exchange, pool of {}", size.name()), Some(figures.cpu_microseconds));
        }
    }

    fn size(&self, wanted: Size) -> Option<&Figures> {
        self.sizes.iter().find(|(size, _)| *size == wanted).map(|(_, figures)| figures)
    }

    fn latencies(&self, checks: &mut Vec<Check>) {
        let at_200 = |result: Option<&Measured>| result.and_then(|result| result.at_200.clone());
        let (own, isc) = (at_200(self.ours()), at_200(self.isc()));
        let mut most = |what: &str, bound: f64, unit, measured: Option<f64>| {
            checks.push(Check { what: what.into(), bound: Bound::Most(bound), unit, measured });
        };
        for (name, pick) in [("median", false), ("p99", true)] {
            let value = |figures: &Figures| f64::from(if pick { figures.p99 } else { figures.median });
            let bound = isc.as_ref().map(value).map(|isc| (isc + 200.0).max(isc * 1.25));
            let what = format!("{name} at 200 a second, beside ISC's");
            most(&what, bound.unwrap_or(f64::NAN), "us", bound.and(own.as_ref().map(value)));
        }
        let ours = self.ours();
        let half = ours.and_then(|result| result.at_half.as_ref());
        most("p99 at half our most", 10_000.0, "us", half.map(|figures| figures.p99.into()));
        let lost = |figures: &Figures| (figures.given_up + figures.unfinished) as f64;
        let burst = ours.and_then(|result| result.burst.as_ref());
        most("lost of a burst of 2,000 DISCOVERs", 0.0, "", burst.map(lost));
    }

    fn starts(&self, checks: &mut Vec<Check>) {
        let seconds = |server: &Server, load: Load| {
            let (.., started) =
                self.starts.iter().find(|(name, of, _)| *name == server.name() && *of == load)?;
            Some((started.seconds.unwrap_or(f64::INFINITY), started.peak_kilobytes as f64 / 1024.0))
        };
        let (ours, isc) = (Server::ours(), Server::isc());
        let (of_100k, of_subnets) = (Load::Hosts(100_000), Load::Subnets(10_000));
        // Where the real program was not started: what it took when the issue was written.
        let isc = |load, share: f64, else_seconds: f64| {
            seconds(&isc, load).map_or(else_seconds, |(seconds, _)| seconds) * share
        };
        let bounds = [
            (Load::Leases(1_000_000), 2.5, Some(250.0)),
            (Load::LeasesInSubnets(1_000_000, 4_096), 2.5, Some(250.0)),
            (Load::Hosts(1_000_000), 10.0, Some(320.0)),
            (of_100k, isc(of_100k, 1.0, 1.0), None),
            (of_subnets, isc(of_subnets, 0.5, 1.5), None),
            (Load::Pool(9), 0.1, Some(20.0)),
        ];
        for (load, most_seconds, most_memory) in bounds {
            let measured = seconds(&ours, load);
            let mut most = |what: &str, bound, unit, measured| {
                let what = format!("{what} of {}", load.name());
                checks.push(Check { what, bound: Bound::Most(bound), unit, measured });
            };
            most("start", most_seconds, "s", measured.map(|(seconds, _)| seconds));
            if let Some(memory) = most_memory {
                most("memory at its most,", memory, "MB", measured.map(|(_, memory)| memory));
            }
        }
    }

    fn under_stress(&self, checks: &mut Vec<Check>) {
        let bound = self.rewrite.map_or(f64::NAN, |(_, without)| f64::from(without.worst) + 20_000.0);
        checks.push(Check {
            what: "worst ACK beside the rewrite of a million leases".into(),
            bound: Bound::Most(bound),
            unit: "us",
            measured: self.rewrite.map(|(beside, _)| beside.worst.into()),
        });
        let peak = self.overload.first().map_or(1.0, |(_, peak)| peak.completed);
        let ten = self.overload.iter().find(|(factor, _)| *factor == 10.0);
        checks.push(Check {
            what: "completed at ten times our most, of the most".into(),
            bound: Bound::Least(0.85),
            unit: "times",
            measured: ten.map(|(_, point)| point.completed / peak),
        });
    }
}
