//! `tracing` in front of every line. Operator lines are events of target [`OPERATOR`], which the log thread's layer picks
//! up; everything else is for developers, off unless `DHCPD_RS_TRACE` asks for it, and never mixed into operator lines.
//!
//! `DHCPD_RS_TRACE=server=debug,net=trace` names modules of this crate with the least level to show; a bare level is for
//! all of them. `DHCPD_RS_TRACE_FILE` names the file to append to; without it standard error.

use super::operator_log::OperatorLog;
use crate::log::{Line, Priority, Reach};
use std::fs::OpenOptions;
use std::sync::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Target of operator lines.
const OPERATOR: &str = "operator";

/// Says a line to the operator.
pub fn say(line: &Line) {
    let text = line.text.as_str();
    let stderr_only = line.reach == Reach::StandardErrorOnly;
    match line.priority {
        Priority::Error => tracing::event!(target: OPERATOR, Level::ERROR, text, stderr_only),
        Priority::Info => tracing::event!(target: OPERATOR, Level::INFO, text, stderr_only),
        Priority::Debug => tracing::event!(target: OPERATOR, Level::DEBUG, text, stderr_only),
    }
}

/// Makes `log` the place for operator lines, and sets up what the environment asks to trace.
pub fn install(log: OperatorLog) {
    let operator = OperatorLayer { log }.with_filter(filter_fn(|metadata| metadata.target() == OPERATOR));
    let directives = std::env::var("DHCPD_RS_TRACE").unwrap_or_default();
    let registry = tracing_subscriber::registry().with(operator);
    // Fails only when one is installed already, as in a test program: that one stays.
    let _ = if directives.is_empty() {
        registry.try_init()
    } else {
        registry.with(developer(&directives)).try_init()
    };
}

fn developer<S>(directives: &str) -> impl Layer<S>
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::OFF.into())
        .parse_lossy(in_this_crate(directives))
        .and(filter_fn(|metadata| metadata.target() != OPERATOR));
    let file = std::env::var_os("DHCPD_RS_TRACE_FILE")
        .and_then(|path| OpenOptions::new().append(true).create(true).open(path).ok());
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    match file {
        Some(file) => layer.with_writer(Mutex::new(file)).with_filter(filter).boxed(),
        None => layer.with_writer(std::io::stderr).with_filter(filter).boxed(),
    }
}

/// `net=trace` to `dhcpd::net=trace`.
fn in_this_crate(directives: &str) -> String {
    let crate_name = env!("CARGO_CRATE_NAME");
    let directive = |directive: &str| match directive.split_once('=') {
        Some((module, _)) if !module.starts_with(crate_name) => format!("{crate_name}::{directive}"),
        Some(_) => directive.to_owned(),
        None if directive.parse::<LevelFilter>().is_ok() => format!("{crate_name}={directive}"),
        None => format!("{crate_name}::{directive}"),
    };
    directives
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .map(directive)
        .collect::<Vec<_>>()
        .join(",")
}

struct OperatorLayer {
    log: OperatorLog,
}

impl<S: Subscriber> Layer<S> for OperatorLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let priority = match *event.metadata().level() {
            Level::ERROR | Level::WARN => Priority::Error,
            Level::INFO => Priority::Info,
            _ => Priority::Debug,
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let reach = if fields.stderr_only { Reach::StandardErrorOnly } else { Reach::Both };
        self.log.put(Line { priority, text: fields.text, reach });
    }
}

/// The fields of an operator event.
#[derive(Default)]
struct Fields {
    text: String,
    stderr_only: bool,
}

impl Visit for Fields {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.text.push_str(value);
    }

    fn record_bool(&mut self, _: &Field, value: bool) {
        self.stderr_only = value;
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_those_of_this_crate() {
        let name = env!("CARGO_CRATE_NAME");
        assert_eq!(
            in_this_crate("server=debug, net=trace"),
            format!("{name}::server=debug,{name}::net=trace")
        );
        assert_eq!(in_this_crate("info"), format!("{name}=info"));
        assert_eq!(in_this_crate("journal"), format!("{name}::journal"));
    }
}
