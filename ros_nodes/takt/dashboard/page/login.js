// Trades the token for a cookie that no script can read. In a link it stands behind #, which browsers keep to
// themselves, and is taken out of the address at once.
const answer = document.getElementById("answer");

async function open(token) {
  answer.textContent = "asking";
  const reply = await fetch("/api/session", { method: "POST", body: JSON.stringify({ token }) }).catch((error) => error);
  if (reply.ok) location.replace("/");
  else answer.textContent = reply instanceof Error ? reply.message : await reply.text();
}

document.getElementById("login").addEventListener("submit", (event) => {
  event.preventDefault();
  open(document.getElementById("token").value);
});

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given !== null) {
  history.replaceState(null, "", location.pathname);
  open(given);
}
