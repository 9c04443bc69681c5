"""What this process counts. Labels are codes and topics, never ids of people."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

DOOR_ANSWERS = Counter("doorstep_door_answers_total", "Answers of our doors", ["door", "status"])
LIMITED = Counter("doorstep_limited_total", "Knocks that a limit turned on", ["door", "why"])
JOBS_DONE = Counter("doorstep_jobs_done_total", "Outbox rows and receipts worked", ["topic"])
JOBS_FAILED = Counter("doorstep_jobs_failed_total", "Tries that failed", ["topic"])
JOB_SECONDS = Histogram("doorstep_job_seconds", "Time of one try", ["topic"])
TEXTS_SENT = Counter("doorstep_texts_sent_total", "Texts that the provider took", ["purpose"])
TEXTS_ENDED = Counter("doorstep_texts_ended_total", "Texts that did not leave", ["state", "reason"])
THREADS_BROUGHT = Counter(
    "doorstep_threads_brought_total", "Threads with a history that became tickets", ["helpdesk"]
)
