import { useId, type ReactNode } from "react";

/** A part of the page with a heading; `aside` stands at the heading's other end. */
export function Card({ title, aside, className = "", children }: {
  title: string;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={`card ${className}`} aria-labelledby={id}>
      <header className="card-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
