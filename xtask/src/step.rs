//! One run of named steps: each printed with its time, stopped at the first that fails, closed by the count of tests.
//!
//! It deliberately knows nothing about what the steps do, and it runs nothing in parallel: output must stay readable.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::counts::Counts;

/// A chain of steps under way. After the first failure every later step is skipped.
pub struct Run {
    begun: Instant,
    times: Vec<(&'static str, Duration)>,
    failed_at: Option<&'static str>,
    counts: Counts,
}

impl Run {
    /// Starts the clock.
    pub fn begin() -> Self {
        Self {
            begun: Instant::now(),
            times: Vec::new(),
            failed_at: None,
            counts: Counts::default(),
        }
    }

    /// Performs one step unless an earlier one failed. What it returns is added to the count of tests.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Counts>) -> &mut Self {
        if self.failed_at.is_some() {
            return self;
        }
        println!("\n━━ {name}");
        let begun = Instant::now();
        let outcome = work();
        let took = begun.elapsed();
        self.times.push((name, took));
        match outcome {
            Ok(counts) => {
                self.counts.add(counts);
                if counts.failed > 0 {
                    self.failed_at = Some(name);
                }
            }
            Err(error) => {
                eprintln!("{error:#}");
                self.failed_at = Some(name);
            }
        }
        let verdict = if self.failed_at.is_some() { "FAILED" } else { "ok" };
        println!("── {name}: {verdict}, {:.1} s", took.as_secs_f64());
        self
    }

    /// Prints the table of times and the closing line. `must_have_tests`: a run that counted no passed test is a
    /// failure, so that an empty run can never look green.
    pub fn finish(mut self, must_have_tests: bool) -> ExitCode {
        println!("\n   seconds  step");
        for (name, took) in &self.times {
            println!("{:>10.1}  {name}", took.as_secs_f64());
        }
        println!("{:>10.1}  in all\n", self.begun.elapsed().as_secs_f64());
        if let Some(name) = self.failed_at {
            println!("Stopped at the step \"{name}\". Later steps did not run.");
            if self.counts.failed == 0 {
                // A step without tests of its own failed: the closing line must still not read as a success.
                self.counts.failed = 1;
            }
        } else if must_have_tests && self.counts.passed == 0 {
            println!("No test ran. That counts as a failure.");
            self.counts.failed = 1;
        }
        println!("{} passed, {} failed", self.counts.passed, self.counts.failed);
        if self.counts.failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Runs a command with its output passed through. Fails if it cannot start or ends with another code than 0.
pub fn call(command: &mut Command) -> Result<Counts> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("`{shown}` could not be started"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(Counts::default())
}

/// Runs a command, passes its standard output through and counts the test results in it.
///
/// A command that fails without a failed test in its output (a crate that does not compile) is an error.
pub fn call_counting(command: &mut Command, read: fn(&str, &mut Counts)) -> Result<Counts> {
    let shown = shown(command);
    println!("$ {shown}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{shown}` could not be started"))?;
    let output = child.stdout.take().context("standard output was asked for as a pipe")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("the output of `{shown}` could not be read"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        read(&line, &mut counts);
    }
    let status = child
        .wait()
        .with_context(|| format!("`{shown}` could not be waited for"))?;
    if !status.success() && counts.failed == 0 {
        bail!("`{shown}` ended with {status} ({} tests had passed)", counts.passed);
    }
    Ok(counts)
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn later_steps_do_not_run_after_a_failure() {
        let mut ran = false;
        let mut run = Run::begin();
        run.step("first", || bail!("no")).step("second", || {
            ran = true;
            Ok(Counts::default())
        });
        assert_eq!(run.failed_at, Some("first"));
        assert_eq!(run.finish(false), ExitCode::FAILURE);
        assert!(!ran);
    }

    #[test]
    fn a_run_without_tests_is_not_green() {
        let mut run = Run::begin();
        run.step("nothing", || Ok(Counts::default()));
        assert_eq!(run.finish(true), ExitCode::FAILURE);
        let mut run = Run::begin();
        run.step("one", || Ok(Counts { passed: 1, failed: 0 }));
        assert_eq!(run.finish(true), ExitCode::SUCCESS);
    }

    #[test]
    fn a_failed_test_stops_the_run() {
        let mut run = Run::begin();
        run.step("tests", || Ok(Counts { passed: 5, failed: 1 }));
        assert_eq!(run.finish(true), ExitCode::FAILURE);
    }

    #[test]
    fn a_failing_command_is_an_error_even_when_it_printed_successes() {
        let mut command = sh("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; exit 101");
        assert!(call_counting(&mut command, counts::cargo_line).is_err());
        let mut command = sh("echo 'test result: FAILED. 3 passed; 2 failed; 0 ignored'; exit 101");
        let counted = call_counting(&mut command, counts::cargo_line).unwrap();
        assert_eq!(counted, Counts { passed: 3, failed: 2 });
        assert!(call(&mut sh("exit 3")).is_err());
    }
}
