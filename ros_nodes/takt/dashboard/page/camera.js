// The camera's picture with the boxes that were found in it.
const COLOURS = { target: "#ff8a2b", obstacle: "#7fd4ff" };

export async function drawCamera(canvas, jpeg, picture) {
  const image = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const scale = canvas.width / picture.width_px;
  canvas.height = Math.round(picture.height_px * scale);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = true;
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  if (picture.boxes === null) return note(pen, "no result for this frame in time");
  for (const box of picture.boxes) drawBox(pen, box, scale);
}

export function describePicture(picture) {
  if (!picture) return "no picture yet";
  if (picture.boxes === null) return "picture; no result for this frame in time";
  const found = picture.boxes.map((box) => `${box.class} ${(100 * box.score).toFixed(0)} %`).join(", ");
  return `picture with ${picture.boxes.length} boxes${found ? `: ${found}` : ""}`;
}

function drawBox(pen, box, scale) {
  const [left, top, right, bottom] = box.xyxy_px.map((edge) => edge * scale);
  const colour = COLOURS[box.class] || "#ffffff";
  pen.lineWidth = 3;
  pen.strokeStyle = colour;
  pen.strokeRect(left, top, right - left, bottom - top);
  const label = `${box.class} ${(100 * box.score).toFixed(0)} %`;
  pen.font = "600 14px system-ui, sans-serif";
  const width = pen.measureText(label).width + 10;
  const y = top >= 22 ? top - 21 : top + 2;
  pen.fillStyle = colour;
  pen.fillRect(left - 1.5, y, width, 20);
  pen.fillStyle = "#101418";
  pen.fillText(label, left + 4, y + 15);
}

function note(pen, text) {
  pen.font = "14px system-ui, sans-serif";
  pen.fillStyle = "rgba(12, 17, 22, .7)";
  pen.fillRect(8, 8, pen.measureText(text).width + 16, 26);
  pen.fillStyle = "#ffffff";
  pen.fillText(text, 16, 26);
}
