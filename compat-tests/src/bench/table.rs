//! Results as lines on the terminal and as a table for the repository.

use super::measure::{Figures, Measured};

pub const HEAD: &str = "\
| server | pool | what | window | per second | CPU us each | median us | p99 us | worst us | lost | sent again | log lines each |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

pub fn rows(result: &Measured) -> String {
    let mut out = row(result, "four-way", &result.four_way);
    if let Some(figures) = &result.renewal {
        out += &row(result, "renewal", figures);
    }
    if let Some(figures) = &result.at_200 {
        out += &row(result, "four-way, 200 a second", figures);
    }
    if let Some(figures) = &result.at_half {
        out += &row(result, "four-way, half its most", figures);
    }
    if let Some(figures) = &result.burst {
        out += &row(result, "burst of DISCOVERs", figures);
    }
    out
}

fn row(result: &Measured, what: &str, figures: &Figures) -> String {
    if figures.completed == 0 {
        return format!(
            "| {} | {} | {what} | {} | 0 | | | | | | | |\n",
            result.server, result.pool, figures.window
        );
    }
    format!(
        "| {} | {} | {what} | {} | {:.0} | {:.1} | {} | {} | {} | {} | {} | {:.1} |\n",
        result.server,
        result.pool,
        figures.window,
        figures.rate,
        figures.cpu_microseconds,
        figures.median,
        figures.p99,
        figures.worst,
        figures.given_up,
        figures.sent_again,
        figures.log_lines
    )
}

/// How many times the first server's rate the others reach in the same pool; ours in the largest pool against the smallest.
pub fn ratios(results: &[Measured], ours: &str) -> String {
    let mut out = String::new();
    for own in results.iter().filter(|result| result.server == ours) {
        for other in results.iter().filter(|result| result.server != ours && result.pool == own.pool) {
            let four_way = own.four_way.rate / other.four_way.rate.max(1e-9);
            out += &format!("ratio pool {}: {ours} / {}: four-way {four_way:.1}", own.pool, other.server);
            if let (Some(own), Some(other)) = (&own.renewal, &other.renewal) {
                out += &format!(", renewals {:.1}", own.rate / other.rate.max(1e-9));
            }
            out.push('\n');
        }
    }
    let mut own: Vec<_> = results.iter().filter(|result| result.server == ours).collect();
    own.sort_by_key(|result| result.pool);
    if let [small, .., large] = own.as_slice() {
        let ratio = large.four_way.rate / small.four_way.rate.max(1e-9);
        out += &format!("ratio {ours}: pool {} / pool {}: {ratio:.2}\n", large.pool, small.pool);
    }
    out
}
