// On a narrow screen the drawing is wider than its frame: the frame opens at the process the application stands in.

const frame = document.querySelector(".map");
const here = frame?.querySelector("[aria-current=step]");
if (here) {
  const [box, node] = [frame.getBoundingClientRect(), here.getBoundingClientRect()];
  frame.scrollLeft += node.left + node.width / 2 - box.left - box.width / 2;
}
