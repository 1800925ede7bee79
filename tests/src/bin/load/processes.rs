//! The same lives of jobs on one and on more server processes before one Redis.

use clap::Args;

use crate::{Target, at_least, figures::Figures, life::live};

/// How many processes, workers and jobs.
#[derive(Debug, Args)]
pub(crate) struct Processes {
    /// From 1 to so many server processes.
    #[arg(long, default_value_t = 2, value_parser = at_least(1))]
    most: usize,
    /// Workers at once, in all.
    #[arg(long, default_value_t = 50, value_parser = at_least(1))]
    workers: usize,
    /// Jobs of each run; 20,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
}

pub(crate) async fn measure(args: &Processes, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 20_000, 100);
    for processes in 1..=args.most {
        let first = Target::on_redis(false);
        let others: Vec<Target> = (1..processes).filter_map(|_| first.beside()).collect();
        let servers: Vec<&Target> = [&first].into_iter().chain(&others).collect();
        let lives = live(&servers, args.workers, jobs).await;
        let name = if processes == 1 { "process" } else { "processes" };
        lives.add(&mut figures.of("processes", &format!("{processes} {name}"), 0));
    }
}
