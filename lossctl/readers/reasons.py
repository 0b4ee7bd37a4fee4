"""What went wrong at a remote place, in a line: libraries say it in many."""

from __future__ import annotations

import re

ATTEMPTS = 3
LONGEST = 300
AWS = re.compile(r"AWS Error (\w+) during \w+ operation[^:]*: (.*)", re.DOTALL)
GOOGLE = re.compile(r"google::cloud::Status\((\w+): (.*?)(?: error_info=.*)?\)?$", re.DOTALL)
EXHAUSTED = "Retry policy exhausted, with a last message of "
# what Amazon's client tries again, as it may pass
PASSING = re.compile(r"NETWORK_CONNECTION|SLOW_DOWN|THROTTL|UNAVAILABLE|INTERNAL_FAILURE|TIMEOUT|HTTP status code: 5")
HINTS = {
    "ACCESS_DENIED": "access is denied; check AWS_PROFILE or AWS_ACCESS_KEY_ID, or write s3://anonymous@BUCKET/...",
    "OAuth2 access token": "got no access token for Google Cloud; set GOOGLE_APPLICATION_CREDENTIALS,"
    " or write gs://anonymous@BUCKET/...",
    "DefaultAzureCredential": "found no credentials of Azure; set AZURE_TENANT_ID, AZURE_CLIENT_ID and"
    " AZURE_CLIENT_SECRET, or log in with az",
    "libjvm": "HDFS is reached through Java, and libjvm was not found; set JAVA_HOME, HADOOP_HOME and CLASSPATH",
    "libhdfs": "HDFS is reached through Hadoop's libhdfs, which was not found; set HADOOP_HOME and CLASSPATH",
}


class LostError(OSError):
    """A place does not give a file's bytes: nothing is said of what they hold."""


class LastError(LostError):
    """All attempts failed.

    Args:
        attempts: how many there were.
        last: what the last one said.
    """

    def __init__(self, attempts: int, last: str) -> None:
        super().__init__(tried(attempts, last))


def tried(attempts: int, last: str) -> str:
    """What is said of attempts that failed."""
    return f"{attempts} attempt{'s' if attempts > 1 else ''} failed, the last with: {last}"


def reason(error: Exception) -> str:
    """What an error says, in one line, with what helps where that is known."""
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    hint = next((said for mark, said in HINTS.items() if mark in text), None)
    if hint is not None:
        return hint
    amazon, google = AWS.search(text), GOOGLE.search(text)
    if amazon:
        return _amazon(amazon[1], _line(amazon[2].rpartition("Details: ")[2]))
    if google:
        return f"Google Cloud says {google[1]}: {_line(google[2].removeprefix(EXHAUSTED))}"
    return _line(text) or type(error).__name__


def _amazon(code: str, said: str) -> str:
    if PASSING.search(code) or PASSING.search(said):
        return tried(ATTEMPTS, f"{code}: {said}")
    return f"S3 says {code}: {said}"


def _line(text: str) -> str:
    line = "".join(mark for mark in text.strip().split("\n")[0] if mark.isprintable())
    return (line if len(line) <= LONGEST else line[:LONGEST] + "...").strip(" .:")
