// The screens of the page with their addresses, by what `seed` answered.
export const screens = (project, { job, running, pending }) => [
  ["projects", "/"], ["project", `/p/${project}`], ["jobs", `/p/${project}/jobs`], ["jobs-search", `/p/${project}/jobs?q=${encodeURIComponent("outcome:failed errors:>0")}`],
  ["spider", `/p/${job.split("/").slice(0, 2).join("/")}`], ["job", `/p/${job}`], ["job-running", `/p/${running}`], ["job-pending", `/p/${pending}`],
  ["log", `/p/${job}/log`], ["items", `/p/${job}/items`], ["requests", `/p/${job}/requests`], ["stats", `/p/${job}/stats`], ["metadata", `/p/${job}/metadata`],
  ["schedule", `/p/${project}/schedule?like=${encodeURIComponent(running)}`], ["settings", `/p/${project}/settings`], ["runners", "/runners"],
  ["keys", "/admin/keys"], ["audit", "/admin/audit"], ["store", "/admin/store"], ["docs", "/docs"],
];
